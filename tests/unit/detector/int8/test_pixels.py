from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from detector.boxes.preprocess import normalise
from detector.int8.pixels import PixelCode
from detector.networks.pixels import ADVPROP, IMAGENET, IMAGENET_ON_GREY, LITE, PixelRule

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
CONTENT = np.array([2, 3, 20, 13], np.int32)


@pytest.mark.parametrize("rule", [LITE, IMAGENET, IMAGENET_ON_GREY, ADVPROP])
def test_numbers_are_those_of_the_graph_within_half_a_step(rule: PixelRule) -> None:
    code = PixelCode.of(rule)
    stored = np.zeros(PIXELS.shape, np.int8)
    code.write(PIXELS, CONTENT, stored)
    exact = normalise(tf.constant(PIXELS[None]), tf.constant(CONTENT[None]), rule)[0].numpy()
    step = float(code.quantized.scale[0])
    np.testing.assert_allclose(code.numbers(stored), exact, atol=step * 0.501)


def test_the_rule_of_the_lite_networks_is_exact() -> None:
    code = PixelCode.of(LITE)
    stored = np.zeros(PIXELS.shape, np.int8)
    code.write(PIXELS, np.array([0, 0, 24, 16], np.int32), stored)
    np.testing.assert_array_equal(code.numbers(stored), (PIXELS.astype(np.float32) - 127) / 128)


def test_what_is_not_picture_is_zero() -> None:
    code = PixelCode.of(LITE)
    stored = np.full(PIXELS.shape, 99, np.int8)
    code.write(PIXELS, CONTENT, stored)
    inside = np.zeros(PIXELS.shape[:2], bool)
    inside[3:13, 2:20] = True
    assert (code.numbers(stored)[~inside] == 0).all()
    code.write(PIXELS, np.zeros(4, np.int32), stored)  # a place in the batch that nobody took
    assert (code.numbers(stored) == 0).all()
