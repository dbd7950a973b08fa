from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.boxes.candidates import Candidates, Kept
from detector.boxes.selection import Nms, Selection
from detector.boxes.soft_nms import suppress_softly

Floats = npt.NDArray[np.float32]


def candidates(xyxy: Any, score: Any, class_id: Any) -> Candidates:
    return Candidates(
        tf.constant(xyxy, tf.float32),
        tf.constant(score, tf.float32),
        tf.constant(class_id, tf.int32),
    )


def draw(seed: int) -> tuple[Floats, Floats, npt.NDArray[np.int32]]:
    """Three pictures of thirty crowded boxes, best first; scores of two decimals, some equal."""
    rng = np.random.default_rng(seed)
    corner, size = rng.integers(0, 20, (3, 30, 2)), rng.integers(1, 15, (3, 30, 2))
    score = -np.sort(-rng.integers(1, 100, (3, 30)) / 100, axis=1)
    xyxy = np.concatenate([corner, corner + size], -1).astype(np.float32)
    return xyxy, score.astype(np.float32), rng.integers(0, 3, (3, 30)).astype(np.int32)


def overlap(a: Floats, b: Floats) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return float(shared / (areas[0] + areas[1] - shared))


def replay(
    picture: tuple[Floats, Floats, npt.NDArray[np.int32]], chosen: list[int], sigma: float
) -> tuple[list[float], list[float], float]:
    """The textbook loop in float64, made to choose as it is told: what each choice scored, what the
    best one would have scored, and the best score that is left.
    """
    xyxy, scores, class_id = picture
    left = scores.astype(np.float64)
    taken, best = [], []
    for i in chosen:
        taken.append(float(left[i]))
        best.append(float(left.max()))
        for j in range(len(left)):
            if class_id[i] == class_id[j]:
                left[j] *= np.exp(-(overlap(xyxy[i], xyxy[j]) ** 2) / sigma)
        left[i] = -1
    return taken, best, float(left.max())


def rows(kept: Kept, picture: int) -> list[Any]:
    count = int(kept.count[picture])
    return [values[picture, :count].numpy() for values in kept[:3]]


def indices(xyxy: Floats, class_id: npt.NDArray[np.int32], kept: list[Any]) -> list[int]:
    """Which candidates were kept; of two that are the same, the earlier one first."""
    found: list[int] = []
    for box, _, kind in zip(*kept, strict=True):
        same = np.flatnonzero((xyxy == box).all(-1) & (class_id == kind))
        found.append(next(int(i) for i in same if i not in found))
    return found


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.001, 0.3, 0.6]),
    st.sampled_from([0.1, 0.5]),
    st.sampled_from([5, 100]),
)
@pytest.mark.parametrize("across_classes", [False, True])
def test_keeps_what_the_textbook_loop_keeps(
    across_classes: bool, seed: int, threshold: float, sigma: float, most: int
) -> None:
    xyxy, score, class_id = draw(seed)
    kept = suppress_softly(
        candidates(xyxy, score, class_id),
        score_threshold=threshold,
        sigma=sigma,
        max_detections=most,
        across_classes=across_classes,
    )
    for picture in range(3):
        ours = rows(kept, picture)
        chosen = indices(xyxy[picture], class_id[picture], ours)
        seen_as = np.zeros_like(class_id[picture]) if across_classes else class_id[picture]
        taken, best, left = replay((xyxy[picture], score[picture], seen_as), chosen, sigma)
        np.testing.assert_allclose(ours[1], taken, atol=1e-6)
        np.testing.assert_allclose(taken, best, atol=1e-6)  # each was the best at its turn
        assert (ours[1] >= threshold).all()
        assert len(chosen) == most or left < threshold + 1e-6


def test_even_the_same_box_is_only_lowered() -> None:
    twice = candidates([[[0, 0, 9, 9]] * 2], [[0.9, 0.8]], [[0, 0]])
    kept = suppress_softly(twice, score_threshold=0.1, sigma=0.5, max_detections=10)
    np.testing.assert_allclose(rows(kept, 0)[1], [0.9, 0.8 * np.exp(-2)], rtol=1e-6)


def test_a_lowered_box_falls_behind_a_weaker_one_that_stands_alone() -> None:
    crowd = candidates(
        [[[0, 0, 9, 9], [0, 0, 9, 8], [50, 50, 60, 60]]], [[0.9, 0.8, 0.5]], [[0, 0, 0]]
    )
    kept = suppress_softly(crowd, score_threshold=0.01, sigma=0.5, max_detections=10)
    np.testing.assert_array_equal(rows(kept, 0)[0][:, 0], [0, 50, 0])


def test_pictures_that_are_done_earlier_wait_unchanged() -> None:
    boxes = [[[0, 0, 1, 1], [5, 5, 6, 6]]] * 2
    kept = suppress_softly(
        candidates(boxes, [[0.9, 0.1], [0.9, 0.8]], [[0, 0]] * 2),
        score_threshold=0.5,
        sigma=0.5,
        max_detections=10,
    )
    np.testing.assert_array_equal(kept.count, [1, 2])


def test_each_class_has_its_own_threshold() -> None:
    kept = suppress_softly(
        candidates(
            [[[0, 0, 9, 9], [0, 0, 9, 9], [20, 20, 30, 30], [40, 40, 50, 50]]],
            [[0.9, 0.8, 0.5, 0.4]],
            [[0, 0, 1, 0]],
        ),
        score_threshold=(0.3, 0.6),
        sigma=0.5,
        max_detections=10,
    )
    np.testing.assert_allclose(rows(kept, 0)[1], [0.9, 0.4])


def test_nothing_above_the_threshold_is_an_empty_answer() -> None:
    kept = suppress_softly(
        candidates([[[0, 0, 1, 1]]], [[0.1]], [[0]]),
        score_threshold=0.5,
        sigma=0.5,
        max_detections=10,
    )
    assert int(kept.count[0]) == 0


@pytest.mark.parametrize("xla", [False, True])
@pytest.mark.parametrize(
    ("nms", "scores"),
    [
        ("hard", [0.9, 0.7]),
        ("grouped", [0.9]),
        ("agnostic", [0.9]),
        ("soft", [0.9, 0.7, 0.8 * np.exp(-2)]),
        ("soft-agnostic", [0.9, 0.8 * np.exp(-2), 0.7 * np.exp(-4)]),
    ],
)
def test_every_kind_of_suppression_can_be_chosen(nms: Nms, scores: list[float], xla: bool) -> None:
    """Three times the same box: two of one class, the last of another, in one group."""
    selection = Selection((0.01, 0.011), 0.5, 10, nms=nms, groups=(0, 0))
    function = tf.function(
        lambda *found: selection(Candidates(*found), fixed_shapes=xla), jit_compile=xla
    )
    kept = function(*candidates([[[0, 0, 9, 9]] * 3], [[0.9, 0.8, 0.7]], [[0, 0, 1]]))
    np.testing.assert_allclose(rows(kept, 0)[1], scores, rtol=1e-5)
