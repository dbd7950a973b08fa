from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detector.api import buckets_up_to
from detector.detections import Detections


def test_nothing_found_is_a_valid_answer() -> None:
    assert len(Detections.none()) == 0


@pytest.mark.parametrize(
    ("xyxy", "score", "class_id"),
    [
        (np.zeros((2, 4), "f4"), np.zeros(3, "f4"), np.zeros(3, "i4")),
        (np.zeros((3, 4), "f4"), np.zeros(3, "f4"), np.zeros(2, "i4")),
        (np.zeros((1, 5), "f4"), np.zeros(1, "f4"), np.zeros(1, "i4")),
        (np.zeros((1, 4), "f4"), np.zeros((1, 1), "f4"), np.zeros(1, "i4")),
        (np.zeros((1, 4), "f8"), np.zeros(1, "f4"), np.zeros(1, "i4")),
        (np.zeros((1, 4), "f4"), np.zeros(1, "f4"), np.zeros(1, "i8")),
    ],
)
def test_arrays_that_disagree_are_refused(xyxy: Any, score: Any, class_id: Any) -> None:
    with pytest.raises(ValueError, match="arrays of detections"):
        Detections(xyxy, score, class_id)


@pytest.mark.parametrize(
    ("most", "buckets"),
    [(1, (1,)), (2, (1, 2)), (8, (1, 2, 4, 8)), (6, (1, 2, 4, 6)), (64, (1, 2, 4, 8, 16, 32, 64))],
)
def test_buckets_double_up_to_the_largest_batch(most: int, buckets: tuple[int, ...]) -> None:
    assert buckets_up_to(most) == buckets
