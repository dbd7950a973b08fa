"""Pictures are shown as they are meant to be seen, and boxes lie on the objects."""

from __future__ import annotations

import gc
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from config.camera import CameraConfig
from daemon.capture.appearance import Orientation
from daemon.capture.exif import exif_orientation
from daemon.capture.pacer import Pacer
from daemon.capture.sample import Sample
from daemon.capture.source import open_source
from detector.letterbox import InputSpec
from tests.support import marked
from tests.support.clips import encode
from tests.support.fakes import FakeClock

ALL = range(1, 9)
INPUTS = (InputSpec(128, 128), InputSpec(96, 160, align="center"), InputSpec(64, 96, "stretch"))


def played(path: Path, spec: InputSpec = INPUTS[0], **fields: Any) -> tuple[list[Sample], Any]:
    """Every picture of a file camera, and what it says of its stream."""
    camera = CameraConfig.model_validate({"url": f"file:{path}", **fields, "file": {"loop": False}})
    camera = camera.model_copy(update={"file": camera.file.model_copy(update={"realtime": False})})
    source = open_source(camera, input_spec=spec, clock=FakeClock(), pause=lambda _: False)
    with closing(source):
        samples = [s for s in source.samples(Pacer(1000, live=False)) if isinstance(s, Sample)]
        return samples, source.info


def check_seen(samples: list[Sample], spec: InputSpec, wh: tuple[int, int]) -> None:
    """Every picture is upright, of one size, and a box found in its input lies on the object."""
    finder = marked.RedFinder()
    assert len(samples) >= 12
    for sample in samples:
        pixels, letterbox = sample.scale()
        bgr = sample.picture.to_bgr()
        assert (letterbox.source_wh, bgr.shape[1::-1]) == (wh, wh)
        assert marked.corners(bgr[..., ::-1]) == marked.CORNERS
        (x, y), (width, height) = letterbox.offset_xy, letterbox.scaled_wh
        assert marked.corners(pixels[y : y + height, x : x + width]) == marked.CORNERS
        (found,) = finder.detect(pixels[None], [letterbox])
        expected = np.array([0, 0, wh[0] / 4, wh[1] / 4])
        assert np.abs(found.xyxy_px[0] - expected).max() <= 6


def pictures_in_memory() -> int:
    return sum(isinstance(one, av.VideoFrame) for one in gc.get_objects())


def test_pictures_that_nobody_holds_are_freed_at_once(tmp_path: Path) -> None:
    clip = marked.by_matrix(tmp_path / "a.mp4", 6)
    played(clip)
    gc.collect()
    gc.disable()  # it would find pictures that hold themselves, and too late for memory
    try:
        samples, _ = played(clip)
        assert pictures_in_memory() >= 12
        del samples
        assert pictures_in_memory() <= 1  # the one that a decoder keeps for the next
    finally:
        gc.enable()


@pytest.mark.parametrize("number", ALL)
def test_a_display_matrix(tmp_path: Path, number: int) -> None:
    for spec in INPUTS:
        samples, info = played(marked.by_matrix(tmp_path / "a.mp4", number), spec)
        check_seen(samples, spec, marked.SEEN_WH)
        assert (info.width, info.height) == marked.SEEN_WH


@pytest.mark.parametrize("number", ALL)
@pytest.mark.parametrize("each", [False, True], ids=["once", "with each keyframe"])
def test_a_message_in_h264(tmp_path: Path, number: int, each: bool) -> None:
    samples, info = played(marked.by_sei(tmp_path / "a.h264", number, each=each))
    check_seen(samples, INPUTS[0], marked.SEEN_WH)
    assert (info.width, info.height) == marked.SEEN_WH


@pytest.mark.parametrize("number", ALL)
def test_a_message_in_h265(tmp_path: Path, number: int) -> None:
    samples, _ = played(marked.by_sei(tmp_path / "a.hevc", number, codec="libx265"))
    check_seen(samples, INPUTS[0], marked.SEEN_WH)


@pytest.mark.parametrize("number", ALL)
def test_exif_of_a_motion_jpeg(tmp_path: Path, number: int) -> None:
    samples, _ = played(marked.by_exif(tmp_path / "a.mjpeg", number))
    check_seen(samples, INPUTS[0], marked.SEEN_WH)


def test_a_camera_that_told_it_with_each_keyframe_and_then_no_more_hangs_upright_again(
    tmp_path: Path,
) -> None:
    turned = marked.by_sei(tmp_path / "a.h264", 6, each=True).read_bytes()
    mirrored = marked.by_sei(tmp_path / "b.h264", 7, each=True).read_bytes()
    both = tmp_path / "both.h264"
    both.write_bytes(turned + mirrored)
    check_seen(played(both)[0], INPUTS[0], marked.SEEN_WH)
    plain = marked.by_sei(tmp_path / "d.h264", 3, each=True).read_bytes()
    both.write_bytes(plain + marked.by_sei(tmp_path / "e.h264", 1).read_bytes())
    check_seen(played(both)[0], INPUTS[0], marked.SEEN_WH)


@pytest.mark.parametrize(
    ("stored_wh", "sample", "shown_wh"),
    [
        ((160, 192), Fraction(2), (320, 192)),
        ((320, 96), Fraction(1, 2), (320, 192)),
        ((240, 192), Fraction(4, 3), (320, 192)),
        ((320, 144), Fraction(3, 4), (320, 192)),
        ((320, 192), Fraction(1000, 1001), (320, 192)),  # what encoders make of rounding
        ((320, 192), Fraction(100), (320, 192)),  # a mistake
        ((320, 192), None, (320, 192)),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.h264"])
def test_samples_that_are_no_squares(
    tmp_path: Path,
    name: str,
    stored_wh: tuple[int, int],
    sample: Fraction | None,
    shown_wh: tuple[int, int],
) -> None:
    path = marked.squeezed(tmp_path / name, stored_wh, sample)
    samples, info = played(path)
    check_seen(samples, INPUTS[0], shown_wh)
    assert (info.width, info.height) == shown_wh


@pytest.mark.parametrize("number", ALL)
def test_samples_and_turns_together(tmp_path: Path, number: int) -> None:
    wh = (96, 320) if number >= 5 else (160, 192)  # squeezed to half, along the stored width
    path = marked.squeezed(tmp_path / "a.mp4", wh, Fraction(2), turned=number)
    check_seen(played(path)[0], INPUTS[0], marked.SEEN_WH)


@pytest.mark.parametrize(
    ("aspect", "shown_wh"), [("5:3", (320, 192)), ("4:3", (256, 192)), ("1:1", (192, 192))]
)
@pytest.mark.parametrize("number", [1, 6])
def test_the_configuration_says_it_for_a_recorder_that_does_not(
    tmp_path: Path, aspect: str, shown_wh: tuple[int, int], number: int
) -> None:
    wh = (192, 160) if number >= 5 else (160, 192)
    path = marked.squeezed(tmp_path / "a.mp4", wh, Fraction(7, 5), turned=number)
    samples, _ = played(path, aspect=aspect)
    check_seen(samples, INPUTS[0], shown_wh)


def test_a_picture_that_would_grow_too_large_shrinks_along_the_other_side(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.avi", 1, size=(4096, 128), codec="mjpeg", pixel_format="yuvj420p")
    _, info = played(path, aspect="99:1")
    assert (info.width, info.height) == (4096, 41)


def test_words_for_what_is_done() -> None:
    words = [str(Orientation.of_exif(number)) for number in ALL]
    assert words == [
        "",
        "mirrored",
        "turned by 180°",
        "mirrored and turned by 180°",
        "mirrored and turned by 270°",
        "turned by 90°",
        "mirrored and turned by 90°",
        "turned by 270°",
    ]


@pytest.mark.parametrize(
    "damaged", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\0\x08Exif\0\0", b"\xff\xd8\xff\xff\xff"]
)
def test_damaged_exif_tells_nothing(damaged: bytes) -> None:
    assert exif_orientation(damaged) is None
    assert exif_orientation(damaged + bytes(64)) is None
