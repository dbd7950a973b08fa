"""`vedette detect` over real small files, with a detector that answers one box per picture."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from daemon.commands import detect
from detector.api import InferenceError, ModelError
from detector.spec import DetectorSpec
from tests.support.fakes import FakeDetector

PTS = (0, 100, 250, 300, 900)  # of a video that does not keep time


class Bench:
    """A folder to work in, and the command with a fake detector."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out"
        self.detectors: list[FakeDetector] = []
        self.asked: DetectorSpec | None = None
        self.hook: Callable[[int], None] | None = None

    def build(self, wanted: DetectorSpec) -> FakeDetector:
        self.asked = wanted
        self.detectors.append(FakeDetector(wanted.max_batch, self.hook))
        return self.detectors[-1]

    def run(self, *inputs: Path, options: tuple[str, ...] = (), out: Path | None = None) -> int:
        parser = argparse.ArgumentParser()
        detect.add_parser(parser.add_subparsers())
        words = ["detect", *map(str, inputs), "-o", str(out or self.out), *options]
        return detect.run(parser.parse_args(words), build=self.build)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def make_image(path: Path, value: int = 40, wh: tuple[int, int] = (64, 48)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((wh[1], wh[0], 3), value, np.uint8))
    return path


def make_video(path: Path, wh: tuple[int, int] = (64, 48), pts: tuple[int, ...] = PTS) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = wh[0], wh[1], "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, at in enumerate(pts):
            grey = np.full((wh[1], wh[0], 3), 10 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, "rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def read_video(path: Path) -> list[tuple[float, npt.NDArray[np.uint8]]]:
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        return [
            (float(frame.time or 0), np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
            for frame in container.decode(video=0)
        ]


def test_an_image_becomes_an_annotated_copy_and_a_record(bench: Bench, tmp_path: Path) -> None:
    assert bench.run(make_image(tmp_path / "yard.png")) == 0
    drawn = cv2.imread(str(bench.out / "yard.png"))
    assert drawn is not None
    assert drawn.shape == (48, 64, 3)
    assert np.ptp(drawn) > 100
    assert json.loads((bench.out / "yard.json").read_text()) == {
        "source": "yard.png",
        "size": [64, 48],
        "model": "fake",
        "detections": [
            {"label": "person", "class_id": 0, "score": 0.9, "box": [8.0, 6.0, 24.0, 36.0]}
        ],
    }


def test_a_folder_is_searched_in_order_and_keeps_its_structure(
    bench: Bench, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    make_image(folder / "b.png", 20)
    make_image(folder / "a.JPG", 10)
    make_image(folder / "sub/c.bmp", 30)
    (folder / "notes.txt").write_text("not an image")
    assert bench.run(folder) == 0
    written = {p.relative_to(bench.out).as_posix() for p in bench.out.rglob("*.*")}
    assert written == {"a.JPG", "a.json", "b.png", "b.json", "sub/c.bmp", "sub/c.json"}
    assert bench.detectors[0].seen == [10, 20, 30]


def test_pictures_share_batches_no_larger_than_there_are_pictures(
    bench: Bench, tmp_path: Path
) -> None:
    for number in range(7):
        make_image(tmp_path / f"in/{number}.png", number)
    assert bench.run(tmp_path / "in", options=("--batch", "4")) == 0
    assert bench.detectors[0].batches == [4, 3]
    assert bench.run(make_image(tmp_path / "one.png"), options=("--batch", "4")) == 0
    assert bench.asked is not None
    assert bench.asked.max_batch == 1


def test_exif_orientation_is_honoured(bench: Bench, tmp_path: Path) -> None:
    plain = make_image(tmp_path / "plain.jpg").read_bytes()
    tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    exif = b"Exif\x00\x00" + tiff + b"\x00\x00\x00\x00"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    turned = tmp_path / "turned.jpg"
    turned.write_bytes(plain[:2] + segment + plain[2:])
    assert bench.run(turned) == 0
    assert json.loads((bench.out / "turned.json").read_text())["size"] == [48, 64]


def test_a_broken_image_is_named_and_the_others_are_done(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_image(tmp_path / "in/a.png")
    (tmp_path / "in/b.png").write_bytes(b"\x89PNG broken")
    make_image(tmp_path / "in/c.png")
    assert bench.run(tmp_path / "in") == 1
    assert f"{tmp_path}/in/b.png: is not an image that can be decoded" in capsys.readouterr().err
    assert {p.name for p in bench.out.iterdir()} == {"a.png", "a.json", "c.png", "c.json"}


def test_a_video_keeps_its_size_and_timestamps_and_gets_a_line_per_frame(
    bench: Bench, tmp_path: Path
) -> None:
    assert bench.run(make_video(tmp_path / "street.mp4"), options=("--batch", "2")) == 0
    frames = read_video(bench.out / "street.mp4")
    assert [round(at_s * 1000) for at_s, _ in frames] == list(PTS)
    assert frames[0][1].shape == (48, 64, 3)
    assert np.ptp(frames[0][1]) > 60  # a box was drawn on what was one grey
    lines = [json.loads(line) for line in (bench.out / "street.jsonl").read_text().splitlines()]
    assert [line["pts_s"] for line in lines] == [at / 1000 for at in PTS]
    assert all(len(line["detections"]) == 1 for line in lines)
    assert bench.detectors[0].batches == [2, 2, 1]


def test_a_video_of_odd_size_is_written_too(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "odd.avi"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 63, 47, "yuv444p"
        for _ in range(3):
            grey = np.full((47, 63, 3), 128, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        container.mux(stream.encode())
    assert bench.run(source) == 0
    frames = read_video(bench.out / "odd.mp4")
    assert len(frames) == 3
    assert frames[0][1].shape == (46, 62, 3)
    first = json.loads((bench.out / "odd.jsonl").read_text().splitlines()[0])
    assert first["size"] == [63, 47]


def test_a_broken_video_is_named_and_the_next_input_is_done(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video" * 100)
    assert bench.run(broken, make_image(tmp_path / "a.png")) == 1
    assert f"{broken}: " in capsys.readouterr().err
    assert (bench.out / "a.png").exists()


def test_a_video_without_pictures_is_named(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    assert bench.run(sound) == 1
    assert "there is no video in it" in capsys.readouterr().err


def test_a_truncated_video_keeps_what_came_before(bench: Bench, tmp_path: Path) -> None:
    whole = tmp_path / "whole.avi"
    noise = np.random.default_rng(1)
    with av.open(str(whole), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for _ in range(20):
            picture = noise.integers(0, 255, (48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    bench.run(cut)
    written = read_video(bench.out / "cut.mp4")
    lines = (bench.out / "cut.jsonl").read_text().splitlines()
    assert 3 < len(written) < 20
    assert len(lines) == len(written)


def test_a_failing_detector_is_reported_as_failure(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: int) -> None:
        raise InferenceError("oom", "8 GiB asked for")

    bench.hook = fail
    assert bench.run(make_video(tmp_path / "street.mp4")) == 1
    assert "inference failed (oom): 8 GiB asked for" in capsys.readouterr().err


def test_without_a_model_the_exit_code_is_69(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(tmp_path)

    def no_model(_: DetectorSpec) -> FakeDetector:
        raise ModelError("x.safetensors: truncated")

    bench.build = no_model  # type: ignore[method-assign]
    assert bench.run(make_image(tmp_path / "a.png")) == 69
    assert capsys.readouterr().err == "vedette detect: x.safetensors: truncated\n"


def test_the_options_reach_the_detector(bench: Bench, tmp_path: Path) -> None:
    options = ("--model", "efficientdet-d0", "--weights", "d0.safetensors", "--input-size", "256")
    more = ("--score-threshold", "0.25", "--precision", "float32")
    assert bench.run(make_image(tmp_path / "a.png"), options=options + more) == 0
    assert bench.asked == DetectorSpec(
        name="efficientdet-d0",
        weights="d0.safetensors",
        input_size=256,
        score_threshold=0.25,
        precision="float32",
        iou_threshold=0.5,
        max_detections=100,
        max_batch=1,
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--input-size", "33"), "--input-size"),
        (("--score-threshold", "1.5"), "--score-threshold"),
        (("--precision", "int4"), "--precision"),
        (("--model", "No Such"), "--model"),
        (("--batch", "0"), "--batch"),
    ],
)
def test_an_option_out_of_bounds_is_a_usage_error(
    bench: Bench,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    named: str,
) -> None:
    assert bench.run(make_image(tmp_path / "a.png"), options=options) == 2
    assert capsys.readouterr().err.startswith(f"vedette detect: {named}: ")
    assert not bench.out.exists()


def test_inputs_that_cannot_be_meant_are_refused_before_anything_is_written(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = make_image(tmp_path / "in/a.png")
    twin = make_image(tmp_path / "other/a.png")
    (tmp_path / "empty").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "in")
    cases = [
        ((tmp_path / "nowhere.png",), None, "nowhere.png: does not exist"),
        ((tmp_path / "empty",), None, "empty: holds no images"),
        ((image,), tmp_path / "in", "would be overwritten"),
        ((image,), link, "would be overwritten"),
        ((image,), twin, "is a file"),
        ((image, twin), None, "would be written for both"),
    ]
    for inputs, out, what in cases:
        assert bench.run(*inputs, out=out) == 2
        assert what in capsys.readouterr().err
    assert not bench.out.exists()
    assert bench.detectors == []


def test_an_output_folder_that_cannot_be_written_is_a_failure_with_its_name(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, video = make_image(tmp_path / "a.png"), make_video(tmp_path / "v.mp4")
    blocked = Path("/proc/nowhere")
    assert bench.run(image, video, out=blocked) == 1
    said = capsys.readouterr().err
    assert f"{blocked}/a.png cannot be written: " in said
    assert f"{blocked}/v.mp4 cannot be written: " in said


def test_quiet_says_nothing_when_all_is_well(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = make_image(tmp_path / "a.png")
    assert bench.run(image, options=("--quiet",)) == 0
    assert capsys.readouterr() == ("", "")
    assert bench.run(image) == 0
    assert capsys.readouterr().out == "a.png: answered 1, objects 1\n"


def test_track_says_whose_each_box_is_and_writes_mot_with_hindsight(
    bench: Bench, tmp_path: Path
) -> None:
    video = make_video(tmp_path / "walk.mp4", pts=tuple(range(0, 1000, 100)))
    assert bench.run(video, options=("--track",)) == 0
    assert bench.asked is not None
    assert bench.asked.weak == 0.25, "weak boxes hold objects that are known"
    lines = [json.loads(line) for line in (bench.out / "walk.jsonl").read_text().splitlines()]
    tracks = [line["detections"][0].get("track") for line in lines]
    assert tracks == [None, None, *[1] * 8]
    rows = [row.split(",") for row in (bench.out / "walk.mot.txt").read_text().splitlines()]
    assert [row[:2] for row in rows] == [[str(n), "1"] for n in range(1, 11)]
    assert all(len(row) == 10 for row in rows)
    (x1, y1, x2, y2) = lines[0]["detections"][0]["box"]
    assert [float(side) for side in rows[0][2:6]] == pytest.approx([x1, y1, x2 - x1, y2 - y1])


def test_fps_takes_no_more_frames_than_that_and_keeps_their_numbers(
    bench: Bench, tmp_path: Path
) -> None:
    video = make_video(tmp_path / "walk.mp4", pts=tuple(range(0, 1000, 100)))
    assert bench.run(video, options=("--track", "--fps", "5")) == 0
    lines = [json.loads(line) for line in (bench.out / "walk.jsonl").read_text().splitlines()]
    assert [line["pts_s"] for line in lines] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    rows = (bench.out / "walk.mot.txt").read_text().splitlines()
    assert [int(row.split(",")[0]) for row in rows] == [1, 3, 5, 7, 9]
    assert bench.run(video, options=("--fps", "0")) == 2


def test_without_track_there_is_no_such_file(bench: Bench, tmp_path: Path) -> None:
    bench.run(make_video(tmp_path / "walk.mp4"))
    assert not (bench.out / "walk.mot.txt").exists()
