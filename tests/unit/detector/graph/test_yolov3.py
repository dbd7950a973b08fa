from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.boxes.candidates import Candidates
from detector.boxes.yolo_decode import decode, prior_boxes
from detector.graph.folding import FoldedOps
from detector.graph.layers import LayerOps
from detector.graph.yolov3 import YoloV3
from detector.networks.sizes import YOLO_SIZES
from detector.networks.yolov3 import forward, variables

CLASSES = 3
SIDE = 64
GRID = (2, 4, 8)  # at strides 32, 16, 8
PRIORS_WH = {
    32: [(116, 90), (156, 198), (373, 326)],
    16: [(30, 61), (62, 45), (59, 119)],
    8: [(10, 13), (16, 30), (33, 23)],
}
SPEC = YOLO_SIZES["efficientnet-yolov3-b0"]
Floats = npt.NDArray[np.float32]


def by_level(boxes: Floats) -> list[Any]:
    """[B, A, 5 + classes] cut into [B, H, W, 3·(5 + classes)]."""
    cuts = np.cumsum([3 * side * side for side in GRID])[:-1]
    return [
        tf.constant(part.reshape(len(boxes), side, side, -1))
        for side, part in zip(GRID, np.split(boxes, cuts, axis=1), strict=True)
    ]


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-np.float64(x))))


def slow(boxes: Floats, limit: int) -> list[tuple[list[float], float, int]]:
    """One picture, box by box and class by class, in float64; best first."""
    rows = iter(boxes)
    found = []
    for side in GRID:
        stride = SIDE // side
        for row in range(side):
            for column in range(side):
                for width, height in PRIORS_WH[stride]:
                    x, y, w, h, objectness, *classes = next(rows)
                    cx, cy = (column + sigmoid(x)) * stride, (row + sigmoid(y)) * stride
                    dx, dy = np.exp(float(w)) * width / 2, np.exp(float(h)) * height / 2
                    box = [cx - dx, cy - dy, cx + dx, cy + dy]
                    for class_id, logit in enumerate(classes):
                        found.append((box, sigmoid(objectness) * sigmoid(logit), class_id))
    return sorted(found, key=lambda one: -one[1])[:limit]


def draw(seed: int, batch: int = 2) -> Floats:
    boxes = np.random.default_rng(seed).normal(0, 1, (batch, 252, 5 + CLASSES))
    return boxes.astype(np.float32)


def decoded(boxes: Floats, limit: int) -> Candidates:
    return decode(by_level(boxes), prior_boxes(SIDE), num_classes=CLASSES, limit=limit)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 20, 300, 10_000]))
def test_agrees_with_one_box_and_class_at_a_time(seed: int, limit: int) -> None:
    boxes = draw(seed)
    found = decoded(boxes, limit)
    for picture in range(2):
        expected = slow(boxes[picture], limit)
        xyxy, scores, classes = zip(*expected, strict=True)
        np.testing.assert_allclose(found.score[picture], scores, atol=1e-6)
        settled = np.ones(len(scores), bool)  # next to an equal score the order may be another
        gaps = -np.diff(scores)
        settled[1:] &= gaps > 1e-6
        settled[:-1] &= gaps > 1e-6
        np.testing.assert_array_equal(
            found.class_id[picture].numpy()[settled], np.array(classes)[settled]
        )
        np.testing.assert_allclose(
            found.xyxy[picture].numpy()[settled], np.array(xyxy)[settled], atol=1e-3, rtol=1e-5
        )


def test_one_box_may_show_several_classes() -> None:
    boxes = np.full((1, 252, 5 + CLASSES), -9, np.float32)
    boxes[0, 100, 4:] = [9, 9, -9, 8]
    found = decoded(boxes, 2)
    np.testing.assert_array_equal(found.class_id, [[0, 2]])
    np.testing.assert_array_equal(found.xyxy[0, 0], found.xyxy[0, 1])
    assert float(found.score[0, 1]) > 0.99


@pytest.mark.parametrize("code", [200.0, -200.0])
def test_absurd_codes_give_no_nan(code: float) -> None:
    boxes = draw(0)
    boxes[..., :4] = code
    assert not np.isnan(decoded(boxes, 50).xyxy).any()


def test_pictures_are_wanted_in_the_middle_on_grey_from_0_to_1() -> None:
    family = YoloV3(SPEC, num_classes=CLASSES, input_size=SIDE)
    spec = family.input_spec
    assert (spec.width, spec.height, spec.align, spec.fill) == (64, 64, "center", (128,) * 3)
    pixels = np.full((1, SIDE, SIDE, 3), [0, 51, 255], np.uint8)
    x = family.normalise(pixels, np.int32([[0, 0, 64, 64]]))
    np.testing.assert_allclose(x[0, 5, 7], [0, 0.2, 1], rtol=1e-6)


def test_levels_have_the_strides_that_decoding_expects() -> None:
    arrays = {name: np.full(shape, 0.01, np.float32) for name, shape in shapes().items()}
    raw = forward(LayerOps(arrays), tf.zeros([1, SIDE, SIDE, 3]), SPEC, CLASSES)
    assert [tuple(x.shape) for x in raw] == [(1, side, side, 3 * (5 + CLASSES)) for side in GRID]


def shapes() -> dict[str, tuple[int, ...]]:
    return variables(SPEC, CLASSES)


def test_only_the_last_convolutions_run_in_float32_throughout() -> None:
    """Raw outputs are float32 whatever the layers before ran in."""
    arrays = {name: np.full(shape, 0.01, np.float32) for name, shape in shapes().items()}
    seen = {}

    class Watching(FoldedOps):
        def conv(self, x: Any, name: str, filters: int, **how: Any) -> Any:
            seen[name] = x.dtype
            return super().conv(x, name, filters, **how)

    raw = forward(Watching(arrays, tf.bfloat16), tf.zeros([1, 64, 64, 3]), SPEC, CLASSES)
    assert {x.dtype for x in raw} == {tf.float32}
    short = {name for name, dtype in seen.items() if dtype == tf.bfloat16}
    assert {name for name in seen if name.startswith("yolo/")} - short == {
        f"yolo/p{level}/predict" for level in (3, 4, 5)
    }


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [4, 5])
def test_numbers_that_are_not_finite_show_in_every_score_of_their_picture_alone(
    at: int, number: float
) -> None:
    boxes = draw(0)
    boxes[1, 200, at:] = number
    found = decoded(boxes, 10)
    assert np.isfinite(found.score[0]).all()
    assert np.isposinf(found.score[1]).all()
