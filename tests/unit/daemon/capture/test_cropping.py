"""A part of a picture is scaled alone, and boxes that are found in it lie in the whole picture."""

from __future__ import annotations

import av
import numpy as np
import pytest

from daemon.capture.appearance import Orientation
from daemon.capture.cropping import Cropper, seen_rect, stored_rect
from daemon.capture.picture import Letterboxer
from detector.letterbox import InputSpec, Letterbox, Rect
from tests.support import markers
from tests.support.markers import iou, painted, stored_frame

ALL = [Orientation.of_exif(number) for number in range(1, 9)]
INPUTS = (InputSpec(128, 128), InputSpec(96, 160, align="center", fill=(9, 9, 9)),
          InputSpec(64, 96, "stretch"))  # fmt: skip
SIZES = [(640, 360), (641, 361), (333, 517), (1920, 1080)]
PART = (0.3, 0.4, 0.8, 0.9)


def in_pixels(part: Rect, wh: tuple[int, int]) -> Rect:
    return part[0] * wh[0], part[1] * wh[1], part[2] * wh[0], part[3] * wh[1]


@pytest.mark.parametrize("orientation", ALL, ids=str)
@pytest.mark.parametrize("wh", SIZES, ids=str)
@pytest.mark.parametrize("squeeze", [1.0, 4 / 3, 0.5], ids=["square", "wide", "narrow"])
def test_a_box_found_in_a_part_lies_on_its_object(
    orientation: Orientation, wh: tuple[int, int], squeeze: float
) -> None:
    x1, y1, x2, y2 = in_pixels(PART, wh)
    wide, high = (x2 - x1) / 4, (y2 - y1) / 4
    box = (round(x1 + wide), round(y1 + high), round(x1 + 2.5 * wide), round(y1 + 3 * high))
    frame, seen = stored_frame(painted(wh, [box]), orientation, squeeze=squeeze)
    for spec in INPUTS:
        pixels, letterbox = Letterboxer(spec).scale(frame, seen, in_pixels(PART, wh))
        assert letterbox.source_wh == wh
        assert not letterbox.is_whole
        (found,) = markers.found(pixels, letterbox).xyxy_px.tolist()
        assert iou(found, box) >= 0.9, (found, box)


@pytest.mark.parametrize("orientation", ALL, ids=str)
@pytest.mark.parametrize("wh", [(640, 360), (641, 361), (37, 99)], ids=str)
def test_the_part_on_the_grid_holds_the_one_that_was_asked_for_and_little_more(
    orientation: Orientation, wh: tuple[int, int]
) -> None:
    frame, seen = stored_frame(painted(wh, []), orientation, squeeze=2.0)
    stored_wh = (frame.width, frame.height)
    for part in [PART, (0.0, 0.0, 0.25, 1.0), (0.98, 0.98, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0)]:
        wanted = in_pixels(part, wh)
        rect = stored_rect(wanted, seen, stored_wh)
        given = seen_rect(rect, seen, stored_wh)
        assert rect[0] % 4 == rect[1] % 4 == 0
        assert 0 <= given[0] <= wanted[0] + 1e-6
        assert 0 <= given[1] <= wanted[1] + 1e-6
        assert wanted[2] - 1e-6 <= given[2] <= wh[0] + 1e-6
        assert wanted[3] - 1e-6 <= given[3] <= wh[1] + 1e-6
        most = 4 * 2 * 2  # a grid's step on each side, of samples two wide
        assert np.abs(np.subtract(given, wanted)).max() <= most


def test_all_of_a_picture_is_no_part() -> None:
    frame, seen = stored_frame(painted((640, 360), []), Orientation())
    _, letterbox = Letterboxer(INPUTS[0]).scale(frame, seen, (0.0, 0.0, 640.0, 360.0))
    assert letterbox == Letterbox.fit((640, 360), INPUTS[0])


def test_nothing_is_copied() -> None:
    frame, _ = stored_frame(painted((640, 360), []), Orientation())
    cropped = Cropper((128, 64, 200, 100)).crop(frame)
    assert (cropped.width, cropped.height) == (200, 100)
    offset = cropped.planes[0].buffer_ptr - frame.planes[0].buffer_ptr
    assert offset == 64 * frame.planes[0].line_size + 128


@pytest.mark.parametrize(
    "pixel_format",
    ["yuv420p", "yuvj420p", "yuv422p", "yuyv422", "nv12", "yuv411p", "yuv420p10le", "rgb24",
     "bgr24", "gray", "yuv444p12le"],
)  # fmt: skip
def test_every_common_format_can_be_cut(pixel_format: str) -> None:
    box = (300, 160, 400, 240)
    frame, seen = stored_frame(painted((640, 360), [box]), Orientation(), pixel_format=pixel_format)
    pixels, letterbox = Letterboxer(INPUTS[0]).scale(frame, seen, (256.0, 128.0, 448.0, 288.0))
    (found,) = markers.found(pixels, letterbox).xyxy_px.tolist()
    assert iou(found, box) >= 0.97


@pytest.mark.parametrize("color_range", [1, 2])
def test_a_part_has_the_colours_of_the_whole(color_range: int) -> None:
    source = av.VideoFrame(64, 64, "yuv420p")
    for plane, value in zip(source.planes, (81, 90, 240), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    source.color_range, source.colorspace = color_range, 1
    letterboxer = Letterboxer(InputSpec(32, 32))
    whole, _ = letterboxer.scale(source)
    part, _ = letterboxer.scale(source, None, (16.0, 16.0, 48.0, 48.0))
    assert np.abs(part[8, 8].astype(int) - whole[16, 16]).max() <= 1


def test_the_size_may_change_with_any_frame() -> None:
    letterboxer = Letterboxer(INPUTS[0])
    for wh in [(640, 360), (320, 240), (640, 360)]:
        frame, seen = stored_frame(painted(wh, []), Orientation())
        _, letterbox = letterboxer.scale(frame, seen, in_pixels((0.5, 0.0, 1.0, 1.0), wh))
        assert letterbox.source_wh == wh
        assert letterbox.part_xyxy[2:] == wh


def test_what_is_kept_for_parts_is_bounded() -> None:
    letterboxer = Letterboxer(INPUTS[0])
    frame, seen = stored_frame(painted((640, 360), []), Orientation())
    for x in range(300):
        letterboxer.scale(frame, seen, (float(x), 0.0, x + 64.0, 64.0))
    assert len(letterboxer._lenses) <= 128
