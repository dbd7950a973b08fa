"""What a probe tells people: advice for every failure, hints, lines, a camera to paste."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.camera import CameraConfig
from daemon.capture.errors import Cause
from daemon.diagnosis.advice import advice
from daemon.diagnosis.hints import costs, detect_fps, snippet, troubles
from daemon.diagnosis.probing import Probe
from daemon.diagnosis.report import probe_json, rows, summary
from tests.support.config_files import load_text
from tests.support.probes import probe_of

RTSP = CameraConfig(url="rtsp://10.0.0.5/secret-path")
UDP = CameraConfig(url="rtsps://10.0.0.5/secret-path", transport="udp")
LOGIN = CameraConfig(url="rtsp://10.0.0.5/secret-path", credential="gate")
FILE = CameraConfig(url="file:///secret-path.mp4")
WEB = CameraConfig(url="http://10.0.0.6/secret-path")
USB = CameraConfig(url="v4l2:///dev/video7")


@pytest.mark.parametrize("camera", [RTSP, UDP, LOGIN, WEB, FILE, USB])
@pytest.mark.parametrize("kind", Cause)
def test_every_failure_has_advice_that_names_no_address(kind: Cause, camera: CameraConfig) -> None:
    text = advice(kind, camera)
    assert len(text.split()) > 5
    assert text.endswith(".")
    assert "secret-path" not in text


@pytest.mark.parametrize(
    ("kind", "camera", "words"),
    [
        (Cause.AUTH, RTSP, "wants a login"),
        (Cause.AUTH, UDP, "wants a login"),
        (Cause.AUTH, LOGIN, "refused this login"),
        (Cause.TIMEOUT, RTSP, "firewall"),
        (Cause.TIMEOUT, UDP, "try transport tcp"),
        (Cause.NOT_FOUND, RTSP, "no stream of that path"),
        (Cause.NOT_FOUND, FILE, "no such file"),
        (Cause.CODEC, FILE, "ffprobe"),
        (Cause.DECODER, FILE, "damaged"),
        (Cause.DECODER, RTSP, "H.264"),
        (Cause.AUTH, WEB, "wants a login"),
        (Cause.NO_VIDEO, WEB, "copy its address"),
        (Cause.CODEC, WEB, "multipart/x-mixed-replace"),
        (Cause.PROTOCOL, WEB, "over HTTP"),
        (Cause.REFUSED, WEB, "1984"),
    ],
)
def test_advice_fits_the_camera(kind: Cause, camera: CameraConfig, words: str) -> None:
    assert words in advice(kind, camera)


def test_a_good_stream_gives_no_hint() -> None:
    assert [*troubles(probe_of()), *costs(probe_of())] == []


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (probe_of(figures={"damaged": 3}), "3 of 125 pictures came damaged: the camera or"),
        (probe_of(figures={"damaged": 3}, stream={"transport": "udp"}), "Try transport tcp"),
        (probe_of(figures={"damaged": 3}, stream={"transport": "v4l2"}), "came damaged."),
        (probe_of(stream={"fps": 90.0}), "announces 90 fps and brings 25.0"),
        (probe_of(figures={"fps_by_pts": 30.0}), "tell of 30.0 fps, 25.0 arrive"),
        (probe_of(figures={"fps_by_pts": None}), "no usable timestamps"),
        (probe_of(figures={"keyframe_every_s": 10.0}), "Keyframes are 10.0 s apart"),
        (
            probe_of(figures={"keyframe_every": None, "keyframe_every_s": None}),
            "No second keyframe came within 5 s",
        ),
        (probe_of(figures={"b_frames": 80}), "B-frames"),
    ],
)
def test_each_trouble_is_named(probe: Probe, words: str) -> None:
    (hint,) = troubles(probe)
    assert words in hint


@pytest.mark.parametrize(
    "probe",
    [
        probe_of(stream={"fps": None}),
        probe_of(stream={"fps": 27.0}),
        probe_of(figures={"keyframe_every": 1, "keyframe_every_s": 8.0}),  # one picture in 8 s
        probe_of(
            figures={"keyframe_every": None, "keyframe_every_s": None, "watched_s": 2.0}
        ),  # too early to tell
        probe_of(
            stream={"transport": "synthetic"},
            figures={"keyframe_every": None, "keyframe_every_s": None, "b_frames": None},
        ),
        probe_of(
            stream={"transport": "file"},
            figures={"keyframe_every_s": 10.0, "b_frames": 9, "fps_by_arrival": None},
        ),
    ],
)
def test_what_is_no_trouble_is_not_named(probe: Probe) -> None:
    assert list(troubles(probe)) == []


@pytest.mark.parametrize(
    ("stored_wh", "turned", "row"),
    [
        ((1920, 1080), "", ""),
        ((960, 1080), "", "960×1080: its samples are no squares"),
        ((1080, 1920), "turned by 90°", "1080×1920: turned by 90°"),
        ((540, 1920), "mirrored", "540×1920: mirrored, its samples are no squares"),
    ],
)
def test_how_a_picture_is_stored_is_told_where_it_is_seen_another_way(
    stored_wh: tuple[int, int], turned: str, row: str
) -> None:
    probe = probe_of(stored_wh=stored_wh, turned=turned)
    assert dict(rows(probe)).get("stored", "") == row
    assert probe_json(probe)["stream"]["stored"] == list(stored_wh)


def test_what_costs_is_named() -> None:
    dear = probe_of(stream={"codec": "hevc"}, stored_wh=(3840, 2160), bits=10)
    assert [hint.split()[0] for hint in costs(dear)] == ["H.265", "10", "3840×2160"]


@pytest.mark.parametrize(
    ("measured", "suggested"),
    [(None, 5), (25.0, 5), (4.95, 5), (4.8, 4.8), (2.46, 2.4), (0.96, 0.9), (0.02, 0.1)],
)
def test_suggested_rate_is_at_most_the_measured_one(
    measured: float | None, suggested: float
) -> None:
    assert detect_fps(measured) == suggested


@pytest.mark.parametrize(
    "camera",
    [
        CameraConfig(url="rtsp://h/a$b?x={1,2}:", credential="file:/etc/a b$", transport="udp"),
        CameraConfig(url="file:///a%20%C3%A4.mp4"),
        CameraConfig(url="synthetic://x?fps=3"),
    ],
)
def test_snippet_is_a_configuration_of_the_same_camera(
    tmp_path: Path, camera: CameraConfig
) -> None:
    text = f"version: 1\n{snippet(camera, probe_of(figures={'fps_by_arrival': 3.0}), name='a')}\n"
    loaded = load_text(tmp_path, text).config.cameras["a"]
    assert loaded.detect.fps == 3
    assert loaded.model_copy(update={"detect": camera.detect}) == camera


def test_rows_tell_everything() -> None:
    assert rows(probe_of(figures={"b_frames": 63, "unreferenced": 42})) == [
        ("video", "H.264 High, 1920×1080, yuv420p"),
        ("rate", "25 fps announced, 25 fps by timestamps, 25 fps by arrival"),
        ("keyframes", "every 50 pictures, 2.0 s"),
        ("bit rate", "4.00 Mbit/s"),
        ("B-frames", "50% of pictures"),
        ("skippable", "33% of pictures"),
        ("transport", "tcp"),
        ("open", "0.30 s, first picture after 0.50 s"),
        ("damaged", "none of 125 pictures"),
        ("decoding", "4.0 ms of a core for a picture, 10.0% of a core for all"),
    ]


def test_rows_leave_out_what_is_not_known() -> None:
    scene = probe_of(
        stream={"codec": "synthetic", "transport": "synthetic"},
        figures={
            "keyframe_every": None,
            "keyframe_every_s": None,
            "bits_per_s": None,
            "b_frames": None,
            "unreferenced": None,
        },
        profile=None,
        pixel_format=None,
        decode_s=None,
    )
    names = [name for name, _ in rows(scene)]
    assert names == ["video", "rate", "transport", "open", "damaged"]


@pytest.mark.parametrize(
    ("figures", "name", "value"),
    [
        ({"keyframe_every": 1}, "keyframes", "every picture"),
        ({"keyframe_every": 9, "keyframe_every_s": None}, "keyframes", "every 9 pictures"),
        ({"keyframe_every": None}, "keyframes", "no second one in 5.0 s"),
        ({"bits_per_s": 64_000.0}, "bit rate", "64 kbit/s"),
        ({"damaged": 2}, "damaged", "2 of 125 pictures"),
        (
            {"fps_by_pts": None, "fps_by_arrival": None},
            "decoding",
            "4.0 ms of a core for a picture",
        ),
    ],
)
def test_rows_word_each_case(figures: dict[str, object], name: str, value: str) -> None:
    assert dict(rows(probe_of(figures=figures)))[name] == value


def test_summary_is_one_line() -> None:
    assert summary(probe_of(stream={"decoder": "cuda"})) == (
        "H.264 1920×1080, 25.0 fps, tcp, cuda, first picture after 0.5 s"
    )
    unknown = probe_of(figures={"fps_by_pts": None, "fps_by_arrival": None})
    assert "rate unknown, tcp, first" in summary(unknown)


def test_json_has_the_same_facts() -> None:
    found = json.loads(json.dumps(probe_json(probe_of(bits=10))))
    assert found["stream"]["codec"] == "h264"
    assert found["stream"]["bits"] == 10
    assert found["measured"]["fps_by_arrival"] == 25
    assert found["suggested"] == {"detect": {"fps": 5}}
    assert len(found["hints"]) == 1
