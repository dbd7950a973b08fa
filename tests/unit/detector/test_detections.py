from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

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


def test_a_part_of_the_detections_keeps_their_order() -> None:
    found = Detections(
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.array([0.9, 0.8, 0.7], np.float32),
        np.array([2, 1, 0], np.int32),
    )
    kept = found.where(np.array([True, False, True]))
    assert kept.class_id.tolist() == [2, 0]
    assert kept.xyxy_px.tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert len(found.where(np.zeros(3, np.bool_))) == 0


@pytest.mark.parametrize("keep", list(itertools.product((False, True), repeat=3)))
def test_whichever_part_it_is_all_three_arrays_are_of_it(keep: tuple[bool, ...]) -> None:
    found = Detections(
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.array([0.9, 0.8, 0.7], np.float32),
        np.array([2, 1, 0], np.int32),
    )
    kept, places = found.where(np.array(keep)), np.flatnonzero(keep)
    assert kept.score.tolist() == found.score[places].tolist()
    assert kept.class_id.tolist() == found.class_id[places].tolist()
    assert kept.xyxy_px.tolist() == found.xyxy_px[places].tolist()
