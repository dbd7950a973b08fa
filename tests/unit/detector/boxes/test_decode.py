from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.boxes.anchors import anchor_boxes
from detector.boxes.candidates import Candidates
from detector.boxes.decode import _row_max, decode

CLASSES = 4
SIDE = 64
LEVELS = range(3, 8)
ANCHORS = anchor_boxes(SIDE, LEVELS, 4.0)
GRID = [8, 4, 2, 1, 1]
Floats = npt.NDArray[np.float32]


def by_level(values: Floats) -> list[tf.Tensor]:
    """[B, A, n] cut into the heads' [B, H, W, 9·n]."""
    cuts = np.cumsum([9 * side * side for side in GRID])[:-1]
    return [
        tf.constant(part.reshape(len(values), side, side, -1))
        for side, part in zip(GRID, np.split(values, cuts, axis=1), strict=True)
    ]


def slow(logits: Floats, code: Floats, limit: int) -> list[tuple[Floats, float, int]]:
    """Anchor by anchor, for one picture, in float64."""
    found = []
    for (y1, x1, y2, x2), logit, (ty, tx, th, tw) in zip(
        ANCHORS.astype(np.float64), logits, code.astype(np.float64), strict=True
    ):
        height, width = y2 - y1, x2 - x1
        cy, cx = ty * height + (y1 + y2) / 2, tx * width + (x1 + x2) / 2
        h, w = np.exp(th) * height, np.exp(tw) * width
        box = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], np.float32)
        best = int(logit.argmax())
        found.append((box, float(1 / (1 + np.exp(-np.float64(logit[best])))), best))
    order = np.argsort(-logits.max(-1), kind="stable")[:limit]
    return [found[i] for i in order]


def draw(seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(-2, 2, (2, len(ANCHORS), CLASSES)).astype(np.float32).round(1)
    return logits, rng.normal(0, 0.5, (2, len(ANCHORS), 4)).astype(np.float32)


def decoded(logits: Floats, codes: Floats, limit: int) -> Candidates:
    return decode(by_level(logits), by_level(codes), ANCHORS, num_classes=CLASSES, limit=limit)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 100, 10_000]))
def test_agrees_with_one_anchor_at_a_time(seed: int, limit: int) -> None:
    """Logits of one decimal: many are equal, and equal ones keep the anchors' order."""
    logits, codes = draw(seed)
    found = decoded(logits, codes, limit)
    for picture in range(2):
        boxes, scores, classes = zip(*slow(logits[picture], codes[picture], limit), strict=True)
        np.testing.assert_allclose(found.xyxy[picture], np.stack(boxes), atol=1e-3, rtol=1e-5)
        np.testing.assert_allclose(found.score[picture], scores, atol=1e-6)
        np.testing.assert_array_equal(found.class_id[picture], classes)


def test_shorter_floats_are_decoded_as_float32() -> None:
    logits, codes = draw(0)
    half = [tf.cast(x, tf.float16) for x in by_level(logits)]
    found = decode(half, by_level(codes), ANCHORS, num_classes=CLASSES, limit=5)
    assert (found.score.dtype, found.xyxy.dtype) == (tf.float32, tf.float32)


@pytest.mark.parametrize("code", [100.0, -200.0])
def test_absurd_codes_give_no_nan(code: float) -> None:
    logits, codes = draw(1)
    codes[...] = code
    assert not np.isnan(decoded(logits, codes, 50).xyxy).any()


# TensorFlow takes numbers below the smallest normal one for nothing; no score is so small.
NUMBERS = st.floats(-(2.0**99), 2.0**99, width=32, allow_subnormal=False)


@given(st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=1))
@settings(max_examples=50, deadline=None)
def test_the_greatest_short_float_is_found_among_any_signs(rows: list[list[float]]) -> None:
    x = tf.cast(tf.constant(rows, tf.float32), tf.bfloat16)
    np.testing.assert_array_equal(
        tf.cast(_row_max(x), tf.float32), tf.reduce_max(tf.cast(x, tf.float32), axis=-1)
    )


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_numbers_that_are_not_finite_show_in_every_score_of_their_picture_alone(
    dtype: str, number: float
) -> None:
    logits, codes = draw(0)
    logits[1, 700] = number  # one of 756 anchors, not among the best
    levels = [tf.cast(level, dtype) for level in by_level(logits)]
    found = decode(levels, by_level(codes), ANCHORS, num_classes=CLASSES, limit=10)
    assert np.isfinite(found.score[0]).all()
    assert np.isposinf(found.score[1]).all()
