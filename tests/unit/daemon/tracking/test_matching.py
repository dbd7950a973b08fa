"""Pairs of boxes and objects: what a table of all with all would say, without the table."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.tracking.matching import FloatArray, best_pairs, overlaps, touching
from daemon.tracking.tracker import Tracker
from daemon.tracking.tuning import Tuning
from detector.detections import Detections

BUFFER = 0.4


def boxes(rng: np.random.Generator, count: int) -> FloatArray:
    """Columns of centre, width, height, crowded enough to overlap."""
    return np.concatenate([rng.uniform(0, 300, (2, count)), rng.uniform(10, 90, (2, count))])


def buffered_iou(mine: FloatArray, theirs: FloatArray, reach: float) -> float:
    """Of two boxes, as the paper writes it."""
    half, other = mine[2:] * (0.5 + BUFFER) + reach, theirs[2:] * (0.5 + BUFFER)
    sides = np.minimum(mine[:2] + half, theirs[:2] + other)
    sides = sides - np.maximum(mine[:2] - half, theirs[:2] - other)
    shared = float(np.prod(np.maximum(sides, 0)))
    union = float(np.prod(2 * half) + np.prod(2 * other)) - shared
    return shared / union


@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_pairs_that_touch_are_those_that_overlap_and_their_overlap_is_the_papers(
    seed: int, count: int, found: int
) -> None:
    rng = np.random.default_rng(seed)
    expected, seen, reach = boxes(rng, count), boxes(rng, found), rng.uniform(0, 30, count)
    m, n = touching(expected, seen, buffer=BUFFER, reach_px=reach)
    measured = overlaps(expected[:, m], seen[:, n], buffer=BUFFER, reach_px=reach[m])
    pairs = dict(zip(zip(m.tolist(), n.tolist(), strict=True), measured.tolist(), strict=True))
    for one, other in itertools.product(range(count), range(found)):
        truth = buffered_iou(expected[:, one], seen[:, other], reach[one])
        assert pairs.get((one, other), 0.0) == pytest.approx(truth, abs=1e-9)


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_the_best_assignment_is_that_of_trying_all(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.random((rows, columns)) * (rng.random((rows, columns)) < 0.5)
    m, n = table.nonzero()
    if not len(m):
        return
    best = best_pairs(m, n, table[m, n])
    assert len(set(m[best].tolist())) == best.sum() == len(set(n[best].tolist()))
    wide = np.pad(table, ((0, 0), (0, rows)))  # nobody must take anybody
    most = max(
        wide[range(rows), list(chosen)].sum()
        for chosen in itertools.permutations(range(columns + rows), rows)
    )
    assert table[m, n][best].sum() == pytest.approx(most)


def test_votes_of_hours_ago_neither_count_nor_overflow() -> None:
    tracker = Tracker(("car", "truck"), Tuning())
    box = np.array([[100, 100, 200, 180]], np.float32)

    def see(label: int, at_s: float) -> int:
        found = Detections(box, np.array([0.9], np.float32), np.array([label], np.int32))
        tracker.update(found, np.array([True]), at_s, size_wh=(1280, 720))
        return int(tracker.tracks.label[tracker.tracks.live[0]])

    start_s = 5e6  # a machine that has been up for two months
    assert [see(0, start_s + n) for n in range(4000)][-1] == 0
    assert np.isfinite(tracker.tracks.votes).all()
    later = [see(1, start_s + 4000 + n) for n in range(30)]
    # Votes fade by exp(-1/10) each second: the new ones outweigh the old by 1.3 after 8.3 s.
    assert later == [0] * 8 + [1] * 22
