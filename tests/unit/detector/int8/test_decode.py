from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.boxes import decode as graph
from detector.boxes.anchors import anchor_boxes
from detector.boxes.candidates import Candidates
from detector.int8.decode import Decoder, Level
from detector.int8.flat import Quantized

CLASSES, SIDE = 4, 64
ANCHORS = anchor_boxes(SIDE, range(3, 8), 4.0)
GRID = [8, 4, 2, 1, 1]
Floats = npt.NDArray[np.float32]
FLOAT = [Level()] * len(GRID)


def by_level(values: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """[A, n] cut into levels."""
    return np.split(values, np.cumsum([9 * side * side for side in GRID])[:-1])


def draw(seed: int) -> tuple[Floats, Floats]:
    """Logits of one decimal: many are equal, and equal ones keep the anchors' order."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-2, 2, (len(ANCHORS), CLASSES)).round(1).astype(np.float32)
    return logits, rng.normal(0, 0.5, (len(ANCHORS), 4)).astype(np.float32)


def by_graph(logits: Floats, codes: Floats, limit: int, clip_to: int | None = None) -> Candidates:
    def heads(values: Floats) -> list[Any]:
        return [
            tf.constant(part.reshape(1, side, side, -1))
            for side, part in zip(GRID, by_level(values), strict=True)
        ]

    found = graph.decode(
        heads(logits), heads(codes), ANCHORS, num_classes=CLASSES, limit=limit, clip_to=clip_to
    )
    return Candidates(*(values[0].numpy() for values in found))


def assert_same(ours: Candidates, theirs: Candidates, threshold: float) -> None:
    reaching = theirs.score >= threshold
    np.testing.assert_allclose(ours.score, theirs.score[reaching], atol=1e-6)
    np.testing.assert_array_equal(ours.class_id, theirs.class_id[reaching])
    np.testing.assert_allclose(ours.xyxy, theirs.xyxy[reaching], atol=1e-3, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.123, 0.456, 0.999]),
    st.sampled_from([1, 100, 1024]),
    st.sampled_from([None, SIDE]),
)
def test_floats_are_decoded_as_the_graph_does(
    seed: int, threshold: float, limit: int, clip_to: int | None
) -> None:
    logits, codes = draw(seed)
    ours = Decoder(FLOAT, FLOAT, ANCHORS, CLASSES, clip_to)(
        by_level(logits), by_level(codes), threshold=threshold, limit=limit
    )
    assert_same(ours, by_graph(logits, codes, limit, clip_to), threshold)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.123, 0.456, 0.999]),
    st.sampled_from([9, 999]),
)
def test_stored_numbers_are_decoded_as_the_graph_does_what_they_mean(
    seed: int, threshold: float, limit: int
) -> None:
    """Each level with a scale of its own, as networks have it."""
    rng = np.random.default_rng(seed)
    logits = rng.integers(-128, 128, (len(ANCHORS), CLASSES), np.int8)
    codes = rng.integers(-128, 128, (len(ANCHORS), 4), np.int8)
    of_logits = [Level(Quantized.of_range(-6, 2 + number)) for number in range(5)]
    of_codes = [Level(Quantized.of_range(-1 - number, 1)) for number in range(5)]
    ours = Decoder(of_logits, of_codes, ANCHORS, CLASSES)(
        by_level(logits), by_level(codes), threshold=threshold, limit=limit
    )

    def meant(levels: list[Level], stored: npt.NDArray[np.int8]) -> Floats:
        parts = zip(levels, by_level(stored), strict=True)
        return np.concatenate([level.numbers(part) for level, part in parts])

    assert_same(ours, by_graph(meant(of_logits, logits), meant(of_codes, codes), limit), threshold)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_show_in_the_score(number: float) -> None:
    logits, codes = draw(0)
    logits[700] = number
    found = Decoder(FLOAT, FLOAT, ANCHORS, CLASSES)(
        by_level(logits), by_level(codes), threshold=0.4, limit=10
    )
    assert np.isposinf(found.score).all()
    assert len(found.score) > 0


def test_nothing_above_the_threshold_is_nothing_found() -> None:
    logits, codes = draw(0)
    found = Decoder(FLOAT, FLOAT, ANCHORS, CLASSES)(
        by_level(logits - 50), by_level(codes), threshold=0.4, limit=10
    )
    assert [len(values) for values in found] == [0, 0, 0]
