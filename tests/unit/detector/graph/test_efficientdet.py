from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from detector.graph.efficientdet import EfficientDet
from detector.graph.layers import LayerOps
from detector.networks.efficientdet import variables
from detector.networks.sizes import ADVPROP_SIZES, ARTICLE_SIZES, SIZES, DetectorSize

WHOLE = np.int32([[0, 0, 64, 64]])
NAMES = ["efficientdet-d0", "efficientdet-lite0"]


def family(name: str) -> EfficientDet:
    return EfficientDet(SIZES[name], num_classes=2, input_size=64)


@pytest.mark.parametrize("name", NAMES)
def test_everything_around_the_picture_is_exactly_zero(name: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    content = np.array([[0, 0, 64, 20], [10, 5, 30, 60], [0, 0, 0, 0]], np.int32)
    x = family(name).normalise(pixels, content).numpy()
    for picture, (x1, y1, x2, y2) in zip(x, content, strict=True):
        outside = np.ones((64, 64), bool)
        outside[y1:y2, x1:x2] = False
        assert (picture[outside] == 0).all()
        assert np.count_nonzero(picture) >= 0.9 * 3 * (x2 - x1) * (y2 - y1)


def test_lite_pixels_lie_around_zero_in_one_step_per_byte() -> None:
    pixels = np.full((1, 64, 64, 3), [0, 127, 255], np.uint8)
    x = family("efficientdet-lite0").normalise(pixels, np.int32([[0, 0, 64, 64]]))
    np.testing.assert_array_equal(x[0, 5, 7], np.float32([-127 / 128, 0, 1]))


def test_other_models_subtract_the_mean_colour_and_divide_by_its_spread() -> None:
    pixels = np.full((1, 64, 64, 3), 255, np.uint8)
    x = family("efficientdet-d0").normalise(pixels, np.int32([[0, 0, 64, 64]]))
    expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    np.testing.assert_allclose(x[0, 63, 0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "fill"), [(NAMES[0], (124, 116, 104)), (NAMES[1], (127, 127, 127))]
)
def test_pictures_are_wanted_top_left_on_the_mean_colour(name: str, fill: object) -> None:
    spec = family(name).input_spec
    assert (spec.width, spec.height, spec.align, spec.fill) == (64, 64, "top_left", fill)


@pytest.mark.parametrize("number", [0, 255])
def test_other_training_wants_other_numbers(number: int) -> None:
    pixels = np.full((1, 64, 64, 3), number, np.uint8)
    spec = ADVPROP_SIZES["efficientdet-d0"]
    x = EfficientDet(spec, num_classes=2, input_size=64).normalise(pixels, WHOLE)
    np.testing.assert_allclose(x[0, 3, 3], [number / 127.5 - 1] * 3, atol=1e-6)


def test_the_article_wants_pictures_in_the_middle_on_grey_that_is_a_pixel_like_others() -> None:
    article = EfficientDet(ARTICLE_SIZES["efficientdet-d0"], num_classes=2, input_size=64)
    spec = article.input_spec
    assert (spec.align, spec.fill) == ("center", (128, 128, 128))
    grey = np.full((1, 64, 64, 3), 128, np.uint8)
    x = article.normalise(grey, np.int32([[0, 8, 64, 56]])).numpy()
    np.testing.assert_allclose(x[0, 0, 0], x[0, 32, 32])
    np.testing.assert_allclose(x[0, 0, 0, 0], (128 / 255 - 0.485) / 0.229, rtol=1e-5)


@pytest.mark.parametrize(("sizes", "cut"), [(SIZES, False), (ARTICLE_SIZES, True)])
def test_only_the_article_cuts_boxes_off_before_suppression(
    sizes: dict[str, DetectorSize], *, cut: bool
) -> None:
    spec = sizes["efficientdet-d0"]
    arrays = {name: np.full(shape, 0.01, np.float32) for name, shape in variables(spec, 2).items()}
    family = EfficientDet(spec, num_classes=2, input_size=64)
    outputs = family.outputs(LayerOps(arrays), tf.zeros([1, 64, 64, 3]))
    found = family.candidates(outputs, 5000)
    inside = (found.xyxy.numpy() >= 0).all() and (found.xyxy.numpy() <= 64).all()
    assert inside == cut
