from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.boxes.candidates import Candidates
from detector.boxes.selection import Nms, Selection
from detector.int8.suppression import iou, select

MODES: tuple[Nms, ...] = ("grouped", "hard", "agnostic", "soft", "soft-agnostic")
GROUPS = (0, 1, 1)


def draw(seed: int, count: int) -> Candidates:
    """Whole pixels and few score steps: overlaps of exactly the threshold and ties do happen."""
    rng = np.random.default_rng(seed)
    corner, size = rng.integers(0, 24, (count, 2)), rng.integers(0, 12, (count, 2))
    score = np.sort(rng.integers(0, 20, count) / np.float32(20))[::-1].astype(np.float32)
    return Candidates(
        np.concatenate([corner, corner + size], 1).astype(np.float32),
        score,
        rng.integers(0, 3, count).astype(np.int32),
    )


def by_graph(found: Candidates, selection: Selection) -> list[npt.NDArray[Any]]:
    kept = selection(Candidates(*(values[None] for values in found)), fixed_shapes=False)
    return [values[0, : int(kept.count[0])].numpy() for values in kept[:3]]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 1, 30, 60]),
    st.sampled_from([0.0, 0.3, 0.5, (0.3, 0.5, 0.1)]),
    st.sampled_from([0.3, 0.5, 1.0]),
    st.sampled_from([1, 5, 100]),
)
@pytest.mark.parametrize("nms", MODES)
def test_keeps_exactly_what_the_graph_keeps(
    nms: Nms, seed: int, count: int, threshold: Any, overlap: float, most: int
) -> None:
    selection = Selection(threshold, overlap, most, nms=nms, groups=GROUPS)
    found = draw(seed, count)
    ours = select(found, selection)
    if count == 0:  # the graph cannot take the best of none
        assert len(ours.score) == 0
        return
    for mine, theirs in zip(ours, by_graph(found, selection), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)
        assert mine.dtype == theirs.dtype


@pytest.mark.parametrize("nms", ["grouped", "hard", "agnostic"])
def test_more_candidates_than_are_compared_at_a_time_are_kept_as_the_graph_keeps_them(
    nms: Nms,
) -> None:
    rng = np.random.default_rng(5)
    corner = rng.uniform(0, 400, (1000, 2))
    found = Candidates(
        np.concatenate([corner, corner + rng.uniform(20, 60, (1000, 2))], 1).astype(np.float32),
        np.sort(rng.uniform(0.1, 1, 1000))[::-1].astype(np.float32),
        rng.integers(0, 3, 1000).astype(np.int32),
    )
    for most in (100, 1000):
        selection = Selection(0.2, 0.3, most, nms=nms, groups=GROUPS)
        ours = select(found, selection)
        assert len(ours.score) > 90
        for mine, theirs in zip(ours, by_graph(found, selection), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_boxes_without_area_overlap_nothing() -> None:
    flat = np.array([[3, 3, 3, 9]], np.float32)
    assert iou(flat, flat)[0] == 0
