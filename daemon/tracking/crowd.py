"""The objects and the boxes of a crowded picture find each other, all pairs at once. Pure.

What `association` does pair by pair is quickest where there are few; of hundreds of objects that
all touch there are tens of thousands. The same passes, the same numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from daemon.tracking.matching import Pair, assigned
from daemon.tracking.sighting import Sighting
from daemon.tracking.tracks import Track
from daemon.tracking.tuning import Tuning

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

_CROWD = 2000  # pairs, of which arrays are quicker than numbers


def is_crowd(some: Sized, others: Sized) -> bool:
    """Whether so many pairs of one of these and one of those are better looked at all at once."""
    return len(some) * len(others) > _CROWD


def crowded(
    tracks: Collection[Track],
    sightings: Sequence[Sighting],
    families: Sequence[int],
    tuning: Tuning,
) -> list[Pair]:
    """As `association.associated`."""
    objects, boxes = list(tracks), list(sightings)
    (small, large), (strict, lax) = tuning.buffers, tuning.least
    pairs = _pairs(objects, boxes, families, buffer=large)
    numbered = np.array([bool(track.number) for track in objects])[pairs.m]
    lately = np.array([track.gap_s <= tuning.weak_within_s for track in objects])[pairs.m]
    strong = np.array([sighting.strong for sighting in boxes])[pairs.n]
    free_m, free_n = np.ones(len(objects), np.bool_), np.ones(len(boxes), np.bool_)
    found: list[Pair] = []
    for wanted, buffer, least in (
        (numbered & strong, small, strict),
        (numbered & strong, large, lax),
        (numbered & lately & ~strong, small, tuning.weak_least),
        (~numbered & strong, large, tuning.new_least),
    ):
        free = free_m[pairs.m] & free_n[pairs.n]
        chosen = _matched(pairs.at(wanted & free), buffer, least, tuning)
        m, n = chosen.m, chosen.n
        found += [(objects[i], boxes[j]) for i, j in zip(m.tolist(), n.tolist(), strict=True)]
        free_m[m] = free_n[n] = False
    return found


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Places [K] of objects and boxes, and what is known of each object [M] and box [N]."""

    m: IndexArray
    n: IndexArray
    expected: FloatArray  # centre x and y, width, height, reach, variance, label: [7, M]
    found: FloatArray  # centre x and y, width, height, label: [5, N]

    def at(self, those: BoolArray) -> _Pairs:
        return _Pairs(self.m[those], self.n[those], self.expected, self.found)


def _pairs(
    tracks: Sequence[Track],
    sightings: Sequence[Sighting],
    families: Sequence[int],
    *,
    buffer: float,
) -> _Pairs:
    """Of one family that touch, as `matching.touching` does."""
    expected = np.array(
        [(t.due_x, t.due_y, t.width, t.height, t.reach_px, t.due_variance, t.label) for t in tracks]
    ).T
    found = np.array([(s.x, s.y, s.width, s.height, s.class_id) for s in sightings]).T
    half = 0.5 + buffer
    family = np.array(families)
    near = family[expected[6].astype(np.intp)][:, None] == family[found[4].astype(np.intp)]
    for place, side in ((0, 2), (1, 3)):
        apart = np.abs(expected[place][:, None] - found[place])
        apart -= (expected[side] * half + expected[4])[:, None]
        near &= apart < found[side] * half
    m, n = near.nonzero()
    return _Pairs(m, n, expected, found)


def _matched(pairs: _Pairs, buffer: float, least: float, tuning: Tuning) -> _Pairs:
    """One pass: those that overlap so much and belong together."""
    nearness = _overlaps(pairs, buffer=buffer)
    fit = nearness >= least
    pairs, nearness = pairs.at(fit), nearness[fit]
    if not len(pairs.m):
        return pairs
    alike = pairs.expected[6][pairs.m] == pairs.found[4][pairs.n]
    likeness = nearness + _likelihoods(pairs, tuning)
    likeness *= np.where(alike, 1.0, tuning.other_label)
    rows = _numbered(pairs.m, pairs.expected.shape[1])
    columns = _numbered(pairs.n, pairs.found.shape[1])
    return pairs.at(assigned(rows, columns, likeness))


def _numbered(places: IndexArray, limit: int) -> IndexArray:
    """Each place, all below `limit`, by a number from 0 on."""
    there = np.zeros(limit, np.bool_)
    there[places] = True
    numbers: IndexArray = (np.cumsum(there) - 1)[places]
    return numbers


def _overlaps(pairs: _Pairs, *, buffer: float) -> FloatArray:
    """Buffered IoU [K], as `matching.overlap`."""
    half = 0.5 + buffer
    expected, found = pairs.expected[:, pairs.m], pairs.found[:, pairs.n]
    mine, theirs = expected[2:4] * half + expected[4], found[2:4] * half
    sides = np.minimum(expected[:2] + mine, found[:2] + theirs)
    sides -= np.maximum(expected[:2] - mine, found[:2] - theirs)
    np.maximum(sides, 0.0, out=sides)
    shared = sides[0] * sides[1] * 0.25  # as both areas are those of half the sides
    overlap: FloatArray = shared / (mine[0] * mine[1] + theirs[0] * theirs[1] - shared)
    return overlap


def _likelihoods(pairs: _Pairs, tuning: Tuning) -> FloatArray:
    """How likely each box is the object's [K], as `matching.likelihood`."""
    expected, found = pairs.expected[:, pairs.m], pairs.found[:, pairs.n]
    noise = tuning.shake * tuning.shake
    total = expected[5] + noise
    off, grown = found[:2] - expected[:2], np.log(found[2:4] / expected[2:4])
    area = np.maximum(expected[2] * expected[3], 1.0)
    unlikely = (off * off).sum(axis=0) / (area * total)
    unlikely += (grown * grown).sum(axis=0) / (tuning.side_shake * tuning.side_shake)
    unlikely += 2 * np.log(total / noise)
    likely: FloatArray = np.maximum(1 - unlikely / tuning.farthest, 0.0)
    return likely
