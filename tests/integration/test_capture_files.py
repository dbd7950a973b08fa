"""Real files through FFmpeg: what is decoded is right, what is not decoded was not needed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace

from config.camera import CameraConfig
from daemon.books.accounting import Drop
from daemon.books.states import CameraState
from daemon.capture import CaptureError, Cause, Lost, Sample, open_source
from daemon.capture.pacer import Pacer
from daemon.clock import SystemClock
from daemon.pipeline.frame import Frame
from detector.letterbox import InputSpec, Letterbox
from tests.support.capture_rig import INPUT, CaptureRig, nothing_left_behind, running
from tests.support.clips import encode, grey_of, join_raw

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    with nothing_left_behind():
        yield


FULL_SPEED = {"realtime": False, "loop": False}


def play(path: Path, *, fps: float = 120.0, input_spec: InputSpec = INPUT) -> CaptureRig:
    """The whole file at full speed, losing nothing; the books are checked on the way."""
    with running(
        f"file://{path}", detect={"fps": fps}, file=FULL_SPEED, rig={"input_spec": input_spec}
    ) as rig:
        rig.wait_for_state(CameraState.FINISHED, 30)
    assert rig.status.reason == "eof", rig.status
    return rig


def samples_of(path: Path, *, fps: float) -> list[Sample | Lost]:
    """What the source alone brings."""
    camera = CameraConfig.model_validate({"url": f"file://{path}", "file": FULL_SPEED})
    clock = SystemClock()
    source = open_source(camera, input_spec=INPUT, clock=clock, pause=lambda _s: False)
    pacer = Pacer(fps, live=False)
    taken = []
    for sample in source.samples(pacer):
        if isinstance(sample, Sample):
            pacer.take(sample.pts_s, clock.now_s())
        taken.append(sample)
    source.close()
    return taken


def grey(frame: Frame) -> int:
    """The grey of the picture's middle."""
    (x, y), (width, height) = frame.rows[0].letterbox.offset_xy, frame.rows[0].letterbox.scaled_wh
    middle = frame.rows[0].pixels[y + height // 2 :, x + width // 2 :][: height // 4, : width // 4]
    return round(float(middle.mean()))


def numbers(frames: list[Frame], *, fps: int = 30) -> list[int]:
    """Frame numbers by timestamp, after a check that each shows the right picture."""
    found = []
    for frame in frames:
        assert frame.pts_s is not None
        number = round(frame.pts_s * fps)
        assert abs(grey(frame) - grey_of(number)) <= 6, number
        found.append(number)
    return found


def test_a_file_read_at_full_speed_gives_every_frame_once(tmp_path: Path) -> None:
    rig = play(encode(tmp_path / "a.mp4", 90))
    assert numbers(rig.frames) == list(range(90))
    assert rig.page.captured == 90
    assert rig.status.stream is not None
    assert (rig.status.stream.codec, rig.status.stream.fps) == ("h264", 30.0)
    assert rig.frames[0].picture.to_bgr().shape == (240, 320, 3)
    assert rig.frames[0].time_source == "wallclock"


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {}),
        ("a.mp4", "libx264", {"preset": "medium"}),  # B frames that refer to B frames
        ("a.h264", "libx264", {"preset": "medium"}),
        ("a.mkv", "libx264", {"preset": "medium", "x264-params": "b-pyramid=none:bframes=5"}),
        ("a.mkv", "libx264", {"preset": "fast", "x264-params": "interlaced=1"}),
        ("a.mp4", "libx265", {"x265-params": "log-level=none"}),
        ("a.avi", "mjpeg", {}),
        ("a.avi", "mpeg4", {"bf": "2"}),
        ("a.ts", "mpeg2video", {}),
    ],
)
def test_the_cap_keeps_every_sixth_frame_of_thirty_and_each_is_right(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = encode(tmp_path / name, 120, codec=codec, options=options, pixel_format=pixel_format)
    rig = play(path, fps=5)
    first = rig.frames[0].pts_s or 0.0
    if first:  # MPEG-TS does not begin at 0
        rig.frames[:] = [replace(f, pts_s=(f.pts_s or 0.0) - first) for f in rig.frames]
    assert numbers(rig.frames) == list(range(0, 120, 6))
    assert rig.page.captured == 120
    assert rig.page.dropped[Drop.FPS_CAP] == 100


def test_pictures_that_nothing_refers_to_are_not_decoded(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", 120, options={"preset": "medium"})
    taken = samples_of(path, fps=5)
    assert len(taken) == 120
    assert taken.count(Lost.EARLY) >= 40


def test_every_packet_of_a_motion_jpeg_beyond_the_cap_stays_undecoded(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.avi", 120, codec="mjpeg", pixel_format="yuvj420p")
    taken = samples_of(path, fps=5)
    assert len(taken) == 120
    assert taken.count(Lost.EARLY) == 100


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {}),
        ("libx264", {"preset": "medium", "sc_threshold": "0"}),
        ("libx265", {"x265-params": "log-level=none:scenecut=0:keyint=15:min-keyint=15"}),
    ],
)
def test_keyframes_alone_are_decoded_where_they_come_often_enough(
    tmp_path: Path, codec: str, options: dict[str, str]
) -> None:
    path = encode(tmp_path / "a.mp4", 300, codec=codec, gop=15, options=options)
    taken = samples_of(path, fps=1)
    pictures = [sample for sample in taken if isinstance(sample, Sample)]
    late = [sample.pts_s for sample in pictures if (sample.pts_s or 0) > 2.1]
    assert len(taken) == 300
    assert late == pytest.approx([3, 4, 5, 6, 7, 8, 9])
    rig = play(path, fps=1)
    assert numbers(rig.frames) == list(range(0, 300, 30))


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"forced-idr": "1"}),
        ("libx264", {"forced-idr": "1", "preset": "medium", "bf": "2", "sc_threshold": "0"}),
        ("libx265", {"forced-idr": "1", "x265-params": "log-level=none:scenecut=0:keyint=1000"}),
    ],
)
def test_keyframes_that_cease_cost_no_answer(
    tmp_path: Path, codec: str, options: dict[str, str]
) -> None:
    """A "smart codec": keyframes every second for six, then none for ten, then again."""
    keyframes = [*range(0, 180, 30), *range(480, 600, 30)]
    path = encode(
        tmp_path / "a.mp4", 600, codec=codec, gop=1000, options=options, keyframes=keyframes
    )
    taken = samples_of(path, fps=1)
    assert len(taken) == 600
    rig = play(path, fps=1)
    seen = numbers(rig.frames)
    steps = [later - earlier for earlier, later in pairwise([*seen, 600])]
    assert max(steps) <= 33, seen
    assert Lost.UNDECODABLE not in taken
    # Where keyframes do, nothing else is decoded.
    assert sum(isinstance(sample, Sample) for sample in taken[:180]) < 140


def unmissed(rig: CaptureRig, count: int) -> list[Frame]:
    """So many in a row of which a consumer on a busy machine missed none."""
    for _ in range(20):
        begun, missed = len(rig.frames), rig.page.dropped[Drop.OVERWRITTEN]
        rig.wait_for_frames(begun + count)
        if rig.page.dropped[Drop.OVERWRITTEN] == missed:
            return rig.frames[begun : begun + count]
    pytest.fail(f"pictures are missed all the time: {rig.page}")


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.h264"])
def test_a_looped_file_goes_on_and_on_without_a_change_of_state(tmp_path: Path, name: str) -> None:
    path = encode(tmp_path / name, 12, fps=60)
    with running(f"file://{path}", detect={"fps": 60.0}) as rig:
        frames = unmissed(rig, 40)
    assert [status.state for status in rig.history] == [CameraState.STREAMING]
    times = [frame.pts_s or 0.0 for frame in frames]
    steps = np.diff(times)
    assert (steps > 0).all()
    assert steps.max() < 0.05
    assert 0.4 < times[39] - times[0] < 1.0
    captured = [frame.captured_s for frame in frames]
    assert captured[39] - captured[0] == pytest.approx(times[39] - times[0], abs=0.2)
    assert abs(grey(rig.frames[0]) - grey_of(0)) <= 6


def test_a_file_is_played_at_its_own_speed(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", 20, fps=20)
    with running(f"file://{path}", detect={"fps": 20.0}, file={"loop": False}) as rig:
        rig.wait_for_state(CameraState.FINISHED)
    span_s = rig.frames[-1].captured_s - rig.frames[0].captured_s
    assert 0.8 <= span_s <= 1.2
    assert rig.page.captured == 20


def test_a_stop_ends_a_slow_file_at_once(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", 4, fps=1)
    with running(f"file://{path}") as rig:
        rig.wait_for_frames(1)
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 0.5


def test_the_size_may_change_in_mid_stream(tmp_path: Path) -> None:
    parts = [
        encode(tmp_path / "a.h264", 15, size=(640, 360)),
        encode(tmp_path / "b.h264", 15, size=(320, 240)),
        encode(tmp_path / "c.h264", 15, size=(161, 121), pixel_format="yuv444p"),
    ]
    rig = play(join_raw(parts, tmp_path / "joined.h264"))
    sizes = [frame.rows[0].letterbox.source_wh for frame in rig.frames]
    assert sizes == [(640, 360)] * 15 + [(320, 240)] * 15 + [(161, 121)] * 15
    for frame in rig.frames:
        assert frame.rows[0].letterbox == Letterbox.fit(frame.rows[0].letterbox.source_wh, INPUT)
    assert [grey(frame) for frame in rig.frames[15:20]] == pytest.approx(
        [grey_of(number) for number in range(5)], abs=6
    )


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [("libx264", "yuv420p10le"), ("libx264", "yuv422p"), ("ffv1", "bgr0")],
)
def test_unusual_pixel_formats_are_shown_right(
    tmp_path: Path, codec: str, pixel_format: str
) -> None:
    path = encode(tmp_path / "a.mkv", 12, codec=codec, pixel_format=pixel_format)
    assert numbers(play(path).frames) == list(range(12))


def test_a_recording_held_upright_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.set_display_rotation(90)
        for number in range(6):
            rgb = np.zeros((240, 320, 3), np.uint8)
            rgb[:, 160:] = 255  # the right half is white: after a turn to the left, the upper one
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    rig = play(path, input_spec=InputSpec(128, 128))
    frame = rig.frames[0]
    assert frame.rows[0].letterbox.source_wh == (240, 320)
    upright = frame.picture.to_bgr()
    assert upright.shape == (320, 240, 3)
    for picture in (frame.rows[0].pixels[:128, :96], upright):
        assert picture[10, 50].min() > 200
        assert picture[-10, 50].max() < 50


def test_damaged_pictures_are_counted_and_not_shown(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.ts", 240, size=(640, 480), gop=60, options={"preset": "medium"})
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(5)
    for at in random.integers(len(data) // 8, len(data), 40):
        data[at] ^= 0xFF
    path.write_bytes(data)
    rig = play(path)
    page = rig.page
    assert page.dropped[Drop.CORRUPT] > 0
    assert page.inferred > 30
    assert len(rig.observer.errors) == page.dropped[Drop.CORRUPT]


@pytest.mark.parametrize("seed", range(8))
def test_random_bytes_in_a_file_never_crash_the_camera(tmp_path: Path, seed: int) -> None:
    path = encode(tmp_path / "a.ts", 60, options={"preset": "fast"})
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for at in random.integers(0, len(data), len(data) // 200):
        data[at] = int(random.integers(0, 256))
    path.write_bytes(data[: len(data) - seed * 97])
    with running(f"file://{path}", detect={"fps": 120.0}, file=FULL_SPEED) as rig:
        rig.wait_for(lambda: rig.status.state in (CameraState.FINISHED, CameraState.BACKOFF))
    assert rig.status.reason in ("eof", "codec", "too_large", "no_video")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "codec"), (b"no video at all\n" * 200, "codec"), (b"\x00" * 5000, "codec"),
     (None, "not_found")],
)  # fmt: skip
def test_a_file_that_is_no_video_is_named_so(
    tmp_path: Path, content: bytes | None, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with running(f"file://{path}") as rig:
        rig.wait_for_state(CameraState.BACKOFF)
    assert rig.reasons() == [reason]
    assert rig.status.retry_s == 60.0
    assert rig.page.captured == 0


def test_a_directory_and_a_recording_of_sound_are_no_videos(tmp_path: Path) -> None:
    sound = tmp_path / "a.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for path, reason in ((sound, "no_video"), (tmp_path, "codec")):
        with running(f"file://{path}") as rig:
            rig.wait_for_state(CameraState.BACKOFF)
        assert rig.reasons() == [reason]


def test_pictures_beyond_8k_are_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.avi", 2, size=(8192, 16), codec="mjpeg", pixel_format="yuvj420p")
    with running(f"file://{path}") as rig:
        rig.wait_for_state(CameraState.BACKOFF)
    assert rig.reasons() == ["too_large"]


def test_an_absent_usb_camera_is_a_device_fault() -> None:
    camera = CameraConfig.model_validate({"url": "v4l2:///dev/video99"})
    with pytest.raises(CaptureError) as caught:
        open_source(camera, input_spec=INPUT, clock=SystemClock(), pause=lambda _s: False)
    assert caught.value.kind is Cause.DEVICE


def test_something_that_is_no_usb_camera_is_a_device_fault_too() -> None:
    with running("v4l2:///dev/null", v4l2={"size": "640x480"}) as rig:
        rig.wait_for_state(CameraState.BACKOFF)
    assert rig.reasons()[0] == "device"
    assert rig.status.retry_s is not None
    assert rig.status.retry_s < 1


def test_a_hardware_decoder_that_is_not_there_falls_back_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = encode(tmp_path / "a.mp4", 10)
    with running(f"file://{path}", hwaccel="vaapi", file=FULL_SPEED) as rig:
        rig.wait_for_state(CameraState.FINISHED)
    assert rig.status.stream is not None
    assert rig.status.stream.decoder == "software"
    assert "no hardware decoder" in caplog.text
