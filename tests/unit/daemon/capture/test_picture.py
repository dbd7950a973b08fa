"""Decoded frames become letterboxed inputs and full pictures, whatever their format."""

from __future__ import annotations

import threading

import av
import numpy as np
import pytest

from daemon.capture.appearance import Appearance, Orientation
from daemon.capture.errors import CaptureError, Cause
from daemon.capture.picture import AvPicture, Letterboxer, check_size, small_luma
from detector.letterbox import InputSpec, Letterbox
from tests.support.clips import picture

INPUT = InputSpec(96, 128, fill=(1, 2, 3))


def frame(
    width: int = 320, height: int = 240, pixel_format: str = "yuv420p", number: int = 8
) -> av.VideoFrame:
    rgb = av.VideoFrame.from_ndarray(picture(number, width, height), "rgb24")
    return rgb.reformat(format=pixel_format)


@pytest.mark.parametrize(
    "pixel_format",
    ["yuv420p", "yuvj420p", "yuv422p", "yuyv422", "nv12", "yuv420p10le", "yuv444p12le", "rgb24",
     "bgr24", "gray"],
)  # fmt: skip
def test_every_common_format_gives_the_same_picture(pixel_format: str) -> None:
    pixels, letterbox = Letterboxer(INPUT).scale(frame(pixel_format=pixel_format))
    assert pixels.shape == (96, 128, 3)
    assert pixels.dtype == np.uint8
    assert letterbox == Letterbox.fit((320, 240), INPUT)
    assert np.abs(pixels[60:90, 40:120].astype(int) - 100).max() <= 6  # grey 10·8 + 20
    assert pixels[2:20, 2:28].min() >= 240  # the white corner is upper left


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (641, 361), (1920, 1080), (90, 400)])
@pytest.mark.parametrize("align", ["top_left", "center"])
def test_any_size_lands_where_the_letterbox_says(size: tuple[int, int], align: str) -> None:
    spec = InputSpec(96, 128, align=align, fill=(1, 2, 3))  # type: ignore[arg-type]
    pixels, letterbox = Letterboxer(spec).scale(frame(*size))
    assert letterbox.source_wh == size
    (x, y), (width, height) = letterbox.offset_xy, letterbox.scaled_wh
    outside = np.ones((96, 128), bool)
    outside[y : y + height, x : x + width] = False
    assert (pixels[outside] == (1, 2, 3)).all()
    assert pixels[~outside].min() > 50


def test_the_size_may_change_with_any_frame() -> None:
    letterboxer = Letterboxer(INPUT)
    for size in [(320, 240), (640, 360), (320, 240), (100, 300)]:
        _, letterbox = letterboxer.scale(frame(*size))
        assert letterbox == Letterbox.fit(size, INPUT)


def test_frames_do_not_share_memory() -> None:
    letterboxer = Letterboxer(INPUT)
    first, _ = letterboxer.scale(frame(number=1))
    before = first.copy()
    letterboxer.scale(frame(number=15))
    assert np.array_equal(first, before)


@pytest.mark.parametrize("color_range", [1, 2])
def test_limited_and_full_range_are_told_apart(color_range: int) -> None:
    source = av.VideoFrame(64, 64, "yuv420p")
    for plane, value in zip(source.planes, (235, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    source.color_range = color_range
    pixels, _ = Letterboxer(InputSpec(32, 32)).scale(source)
    expected = {1: 255, 2: 235}[color_range]
    assert abs(int(pixels[16, 16, 0]) - expected) <= 2


@pytest.mark.parametrize(("colorspace", "green"), [(1, 23), (5, 0)])
def test_bt709_and_bt601_are_told_apart(colorspace: int, green: int) -> None:
    source = av.VideoFrame(64, 64, "yuv420p")
    for plane, value in zip(source.planes, (81, 90, 240), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    source.colorspace = colorspace
    pixels, _ = Letterboxer(InputSpec(32, 32)).scale(source)
    assert abs(int(pixels[16, 16, 1]) - green) <= 3


def test_the_full_picture_is_bgr_at_its_own_size() -> None:
    blue = np.zeros((48, 64, 3), np.uint8)
    blue[..., 2] = 255
    full = AvPicture(av.VideoFrame.from_ndarray(blue, "rgb24")).to_bgr()
    assert full.shape == (48, 64, 3)
    assert (full == (255, 0, 0)).all()


def test_the_full_picture_is_scaled_down_only() -> None:
    kept = AvPicture(frame(640, 360))
    assert kept.to_bgr(320).shape == (180, 320, 3)
    assert kept.to_bgr(1).shape == (1, 1, 3)
    assert kept.to_bgr(9999).shape == (360, 640, 3)


def test_several_threads_may_look_at_one_picture() -> None:
    kept = AvPicture(frame(640, 360))
    expected = kept.to_bgr()
    wrong: list[int] = []

    def look() -> None:
        wrong.extend(index for index in range(20) if not np.array_equal(kept.to_bgr(), expected))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("size", [(7680, 4320), (4320, 7680), (16, 16)])
def test_pictures_up_to_8k_are_taken(size: tuple[int, int]) -> None:
    check_size(*size)


@pytest.mark.parametrize("size", [(16384, 16384), (7681, 16), (7680, 4321)])
def test_larger_pictures_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(CaptureError) as caught:
        check_size(*size)
    assert caught.value.kind is Cause.TOO_LARGE


def test_another_input_holds_from_the_next_frame_on() -> None:
    letterboxer = Letterboxer(INPUT)
    letterboxer.scale(frame(64, 48))
    wide = InputSpec(32, 96, align="center", fill=(9, 9, 9))
    letterboxer.use_input(wide)
    pixels, letterbox = letterboxer.scale(frame(64, 48))
    assert pixels.shape == (32, 96, 3)
    assert letterbox == Letterbox.fit((64, 48), wide)
    assert pixels[0, 0].tolist() == [9, 9, 9]


@pytest.mark.parametrize(
    "pixel_format", ["yuv420p", "yuvj422p", "nv12", "gray", "yuv420p10le", "rgb24"]
)
@pytest.mark.parametrize("size", [(320, 240), (1920, 1080), (90, 400), (16, 16), (641, 361)])
def test_what_the_gate_sees_is_small_grey_and_alike_in_every_format(
    pixel_format: str, size: tuple[int, int]
) -> None:
    decoded = frame(*size, pixel_format=pixel_format)
    luma = small_luma(decoded, Appearance.plain(decoded))
    assert luma.shape == (90, 160)
    assert luma.dtype == np.uint8
    assert np.abs(luma[60:85, 60:150].astype(int) - 100).max() <= 12  # grey 10·8 + 20, or 16 … 235
    assert luma[5:12, 5:20].min() > 200  # the white corner is upper left


def test_what_the_gate_sees_is_upright() -> None:
    decoded = frame(320, 240)
    upside_down = Appearance((320, 240), Orientation(flip_x=True, flip_y=True))
    assert small_luma(decoded, upside_down)[-12:-5, -20:-5].min() > 200


def test_what_the_gate_sees_of_a_picture_on_its_side_is_turned() -> None:
    decoded = frame(320, 240)
    turned = Appearance((240, 320), Orientation(transposed=True))
    luma = small_luma(decoded, turned)
    assert luma.shape == (90, 160)
    assert luma[4:8, 8:14].min() > 200
