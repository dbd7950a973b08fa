from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from detector.boxes.candidates import Candidates, Kept
from detector.boxes.nms import suppress

Floats = npt.NDArray[np.float32]

# Whole pixels and few score steps: overlaps of exactly the threshold and equal scores do happen.
_corners = st_np.arrays(np.float32, (3, 24, 2), elements=st.integers(0, 24).map(float))
_sizes = st_np.arrays(np.float32, (3, 24, 2), elements=st.integers(0, 12).map(float))
_scores = st_np.arrays(np.float32, (3, 24), elements=st.integers(0, 20).map(lambda n: n / 20))
_classes = st_np.arrays(np.int32, (3, 24), elements=st.integers(0, 2))


def candidates(xyxy: Any, score: Any, class_id: Any) -> Candidates:
    return Candidates(
        tf.constant(xyxy, tf.float32),
        tf.constant(score, tf.float32),
        tf.constant(class_id, tf.int32),
    )


def best_first(
    corner: Floats, size: Floats, score: Floats, class_id: npt.NDArray[np.int32]
) -> tuple[Floats, Floats, npt.NDArray[np.int32]]:
    order = np.argsort(-score, axis=1, kind="stable")
    xyxy = np.concatenate([corner, corner + size], -1)
    return (
        np.take_along_axis(xyxy, order[..., None], 1),
        np.take_along_axis(score, order, 1),
        np.take_along_axis(class_id, order, 1),
    )


def overlap(a: Floats, b: Floats) -> np.float32:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return np.float32(0)
    shared = np.float32(width * height)
    areas = [np.float32((x[2] - x[0]) * (x[3] - x[1])) for x in (a, b)]
    return np.float32(shared / (areas[0] + areas[1] - shared))


def greedy(
    xyxy: Floats,
    score: Floats,
    group: npt.NDArray[np.int32],
    threshold: Floats,
    most_iou: float,
) -> list[int]:
    """The textbook loop, one picture."""
    kept: list[int] = []
    for i in range(len(score)):
        rivals = (j for j in kept if group[j] == group[i])
        if score[i] >= threshold[i] and all(overlap(xyxy[i], xyxy[j]) <= most_iou for j in rivals):
            kept.append(i)
    return kept


def rows(kept: Kept, picture: int) -> list[Any]:
    count = int(kept.count[picture])
    return [values[picture, :count].numpy() for values in kept[:3]]


@settings(max_examples=40, deadline=None)
@given(
    _corners,
    _sizes,
    _scores,
    _classes,
    st.sampled_from([0.0, 0.3, 0.5, (0.5, 0.0, 0.3), (0.2, 0.9, 0.6)]),
    st.sampled_from([3, 50]),
)
@pytest.mark.parametrize("fixed_shapes", [False, True])
@pytest.mark.parametrize(
    ("across_classes", "groups"), [(False, ()), (True, ()), (False, (7, 2, 7))]
)
def test_keeps_exactly_what_the_greedy_loop_keeps(
    across_classes: bool,
    groups: tuple[int, ...],
    fixed_shapes: bool,
    corner: Floats,
    size: Floats,
    scores: Floats,
    class_ids: npt.NDArray[np.int32],
    threshold: float | tuple[float, ...],
    most: int,
) -> None:
    arrays = best_first(corner, size, scores, class_ids)
    kept = suppress(
        candidates(*arrays),
        score_threshold=threshold,
        iou_threshold=0.5,
        max_detections=most,
        across_classes=across_classes,
        groups=groups,
        fixed_shapes=fixed_shapes,
    )
    for picture in range(3):
        one = [values[picture] for values in arrays]
        xyxy, score, class_id = one
        own = np.array((0, 0, 0) if across_classes else groups or (0, 1, 2))
        least = np.broadcast_to(np.float32(threshold), 3)[class_id]
        expected = greedy(xyxy, score, own[class_id], least, 0.5)[:most]
        for ours, values in zip(rows(kept, picture), one, strict=True):
            np.testing.assert_array_equal(ours, values[expected])


@settings(max_examples=20, deadline=None)
@given(_corners, _sizes, _scores, _classes)
def test_a_picture_is_judged_alone(
    corner: Floats, size: Floats, score: Floats, class_id: npt.NDArray[np.int32]
) -> None:
    arrays = best_first(corner, size, score, class_id)
    limits = {"score_threshold": 0.25, "iou_threshold": 0.4, "max_detections": 10}
    together = suppress(candidates(*arrays), **limits)
    for picture in range(3):
        alone = suppress(candidates(*(x[picture : picture + 1] for x in arrays)), **limits)
        for ours, theirs in zip(rows(together, picture), rows(alone, 0), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_suppressed_box_suppresses_nothing() -> None:
    """A chain: the first beats the second, so the third stays, which only the second beats."""
    chain = [[[0, 0, 10, 10], [3, 0, 13, 10], [6, 0, 16, 10], [9, 0, 19, 10]]]
    kept = suppress(
        candidates(chain, [[0.9, 0.8, 0.7, 0.6]], [[1, 1, 1, 1]]),
        score_threshold=0.1,
        iou_threshold=0.5,
        max_detections=10,
    )
    np.testing.assert_array_equal(rows(kept, 0)[1], np.float32([0.9, 0.7]))


def test_a_box_of_another_class_does_not_suppress() -> None:
    kept = suppress(
        candidates([[[0, 0, 9, 9], [0, 0, 9, 9]]], [[0.9, 0.8]], [[0, 1]]),
        score_threshold=0.1,
        iou_threshold=0.5,
        max_detections=10,
    )
    assert int(kept.count[0]) == 2


def test_a_box_below_its_own_threshold_suppresses_nothing() -> None:
    """Or an object would be lost to a better box that nobody is told of."""
    kept = suppress(
        candidates([[[0, 0, 9, 9], [0, 0, 9, 9]]], [[0.5, 0.4]], [[0, 1]]),
        score_threshold=(0.6, 0.3),
        iou_threshold=0.5,
        max_detections=10,
        groups=(0, 0),
    )
    assert rows(kept, 0)[2].tolist() == [1]


def test_an_overlap_of_exactly_the_threshold_is_allowed() -> None:
    half = [[[0, 0, 2, 1], [0, 0, 1, 1]]]  # one lies in the other, half its size
    kept = suppress(
        candidates(half, [[0.9, 0.8]], [[0, 0]]),
        score_threshold=0.1,
        iou_threshold=0.5,
        max_detections=10,
    )
    assert int(kept.count[0]) == 2


def test_a_score_of_exactly_the_threshold_is_reported() -> None:
    kept = suppress(
        candidates([[[0, 0, 1, 1], [5, 5, 6, 6]]], [[0.5, 0.25]], [[0, 0]]),
        score_threshold=0.5,
        iou_threshold=0.5,
        max_detections=10,
    )
    np.testing.assert_array_equal(rows(kept, 0)[1], np.float32([0.5]))


def test_nothing_above_the_threshold_is_an_empty_answer() -> None:
    kept = suppress(
        candidates([[[0, 0, 1, 1]]], [[0.1]], [[0]]),
        score_threshold=0.5,
        iou_threshold=0.5,
        max_detections=10,
    )
    assert int(kept.count[0]) == 0
