"""Pairs of boxes and objects: what a table of all with all would say, without the table."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.tracking.matching import best_pairs, overlap, touching
from daemon.tracking.sighting import Sighting, sightings_of
from daemon.tracking.tracker import Tracker
from daemon.tracking.tracks import Track
from daemon.tracking.tuning import Tuning
from detector.detections import Detections

BUFFER = 0.4


def crowd(rng: np.random.Generator, count: int) -> list[Sighting]:
    """Close enough to overlap."""
    middle, size = rng.uniform(0, 300, (count, 2)), rng.uniform(10, 90, (count, 2))
    boxes = np.concatenate([middle - size / 2, middle + size / 2], axis=1).astype(np.float32)
    found = Detections(boxes, np.ones(count, np.float32), np.zeros(count, np.int32))
    return sightings_of(found, np.ones(count, np.bool_))


def expected(rng: np.random.Generator, count: int) -> list[Track]:
    """Objects that were seen as a crowd and should be a little way off now."""
    return [
        Track(
            order=n, label=0, x=one.x, y=one.y, width=one.width, height=one.height,
            variance=0.01, speed_variance=1.0, first_s=0.0, seen_s=0.0, seen_box=one.corners,
            seen_score=1.0, best_score=1.0, rest_x=one.x, rest_y=one.y, rest_s=0.0,
            due_x=one.x + rng.uniform(-9, 9), due_y=one.y + rng.uniform(-9, 9),
            reach_px=rng.uniform(0, 30),
        )
        for n, one in enumerate(crowd(rng, count))
    ]  # fmt: skip


def buffered_iou(track: Track, box: Sighting) -> float:
    """Of an object and a box, as the paper writes it."""
    mine, theirs = np.array([track.due_x, track.due_y]), np.array([box.x, box.y])
    half = np.array([track.width, track.height]) * (0.5 + BUFFER) + track.reach_px
    other = np.array([box.width, box.height]) * (0.5 + BUFFER)
    sides = np.minimum(mine + half, theirs + other) - np.maximum(mine - half, theirs - other)
    shared = float(np.prod(np.maximum(sides, 0)))
    union = float(np.prod(2 * half) + np.prod(2 * other)) - shared
    return shared / union


@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_pairs_that_touch_are_those_that_overlap_and_their_overlap_is_the_papers(
    seed: int, count: int, found: int
) -> None:
    rng = np.random.default_rng(seed)
    tracks, boxes = expected(rng, count), crowd(rng, found)
    pairs = touching(tracks, boxes, buffer=BUFFER)
    for track, box in itertools.product(tracks, boxes):
        truth = buffered_iou(track, box)
        assert ((track, box) in pairs) == (truth > 0)
        assert overlap(track, box, buffer=BUFFER) == pytest.approx(truth, abs=1e-9)


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_the_best_assignment_is_that_of_trying_all(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.random((rows, columns)) * (rng.random((rows, columns)) < 0.5)
    m, n = table.nonzero()
    best = np.array(best_pairs(list(zip(m, n, strict=True)), table[m, n].tolist()), np.bool_)
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
        return tracker.tracks[0].label

    start_s = 5e6  # a machine that has been up for two months
    assert [see(0, start_s + n) for n in range(4000)][-1] == 0
    assert np.isfinite(list(tracker.tracks[0].votes.values())).all()
    later = [see(1, start_s + 4000 + n) for n in range(30)]
    # Votes fade by exp(-1/10) each second: the new ones outweigh the old by 1.3 after 8.3 s.
    assert later == [0] * 8 + [1] * 22
