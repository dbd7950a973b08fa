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


def test_boxes_without_area_overlap_nothing() -> None:
    flat = np.array([[3, 3, 3, 9]], np.float32)
    assert iou(flat, flat)[0] == 0
