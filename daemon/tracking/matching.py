"""Which box is which object: the best assignment of buffered overlaps. Pure.

Buffered IoU is that of Yang, Odashima, Masui and Jiang, "Hard to Track Objects with Irregular
Motions and Similar Appearances? Make It Easier by Buffering the Matching Space", WACV 2023.

Of all objects and boxes only those are looked at that touch once they are enlarged as far as any
pass does; and how likely a box is an object's is asked only where there is a choice.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Sequence
from itertools import compress
from operator import itemgetter
from typing import Any

import lap
import numpy as np
import numpy.typing as npt

from daemon.tracking.sighting import Sighting
from daemon.tracking.tracks import Track
from daemon.tracking.tuning import Tuning

IndexArray = npt.NDArray[np.intp]
Pair = tuple[Track, Sighting]
Pairs = Sequence[tuple[Hashable, Hashable]]  # of whatever is to be paired

_ROUNDING_PX = 1.0  # so that whoever is not looked at surely does not touch
_FEW = 6  # pairs of which all assignments are soon tried
_X = itemgetter(0)


def touching(
    tracks: Collection[Track], sightings: Sequence[Sighting], *, buffer: float
) -> list[Pair]:
    """Objects and boxes that overlap once all are enlarged by `buffer` of their sides on every
    side, and the expected ones by their `reach_px` more.
    """
    half = 0.5 + buffer
    boxes = sorted([(s.x, s.y, s.width * half, s.height * half, s) for s in sightings], key=_X)
    xs = [box[0] for box in boxes]
    widest = max([box[2] for box in boxes]) + _ROUNDING_PX
    pairs = []
    for track in tracks:
        x, y = track.due_x, track.due_y
        room_x = track.width * half + track.reach_px
        room_y = track.height * half + track.reach_px
        far = room_x + widest
        for box_x, box_y, box_room_x, box_room_y, sighting in boxes[
            bisect_left(xs, x - far) : bisect_right(xs, x + far)
        ]:
            if abs(x - box_x) - room_x < box_room_x and abs(y - box_y) - room_y < box_room_y:
                pairs.append((track, sighting))
    return pairs


def overlap(track: Track, sighting: Sighting, *, buffer: float) -> float:
    """Buffered IoU of an expected object and a box."""
    half, reach = 0.5 + buffer, track.reach_px
    x, y, box_x, box_y = track.due_x, track.due_y, sighting.x, sighting.y
    room_x, room_y = track.width * half + reach, track.height * half + reach
    box_room_x, box_room_y = sighting.width * half, sighting.height * half
    right, box_right = x + room_x, box_x + box_room_x
    left, box_left = x - room_x, box_x - box_room_x
    wide = (right if right < box_right else box_right) - (left if left > box_left else box_left)
    low, box_low = y + room_y, box_y + box_room_y
    high, box_high = y - room_y, box_y - box_room_y
    tall = (low if low < box_low else box_low) - (high if high > box_high else box_high)
    if wide <= 0.0 or tall <= 0.0:
        return 0.0
    shared = wide * tall * 0.25  # as both areas are those of half the sides
    return shared / (room_x * room_y + box_room_x * box_room_y - shared)


def likelihood(track: Track, sighting: Sighting, tuning: Tuning) -> float:
    """How likely the box is the object's: 1 for what was expected, 0 from `farthest` on."""
    noise = tuning.shake * tuning.shake
    total = track.due_variance + noise
    off_x, off_y = sighting.x - track.due_x, sighting.y - track.due_y
    size = track.size
    wider = math.log(sighting.width / track.width)
    taller = math.log(sighting.height / track.height)
    unlikely = (off_x * off_x + off_y * off_y) / (size * size * total)
    unlikely += (wider * wider + taller * taller) / (tuning.side_shake * tuning.side_shake)
    unlikely += 2 * math.log(total / noise)
    return max(1 - unlikely / tuning.farthest, 0.0)


def best_pairs(pairs: Pairs, likeness: Sequence[float]) -> list[bool]:
    """Which pairs, all of them alike (more than 0), belong together: the assignment of the greatest
    sum.
    """
    chosen: set[int] = set()
    for cluster in _clusters(pairs):
        if len(cluster) == 1:  # nobody has a choice
            chosen.update(cluster)
        elif len(cluster) <= _FEW:
            chosen.update(_best_of_few(pairs, likeness, cluster)[1])
        else:
            chosen.update(_best_of_many(pairs, likeness, cluster))
    return [place in chosen for place in range(len(pairs))]


def _clusters(pairs: Pairs) -> Iterator[list[int]]:
    """Places of pairs that hang together, because they share an end with one of them."""
    by_first: dict[Hashable, list[int]] = defaultdict(list)
    by_second: dict[Hashable, list[int]] = defaultdict(list)
    for place, (first, second) in enumerate(pairs):
        by_first[first].append(place)
        by_second[second].append(place)
    done: set[int] = set()
    for start in range(len(pairs)):
        if start in done:
            continue
        cluster = [start]
        done.add(start)
        for place in cluster:  # which grows meanwhile
            first, second = pairs[place]
            for near in by_first.pop(first, []) + by_second.pop(second, []):  # each asked once
                if near not in done:
                    done.add(near)
                    cluster.append(near)
        yield sorted(cluster)


def _best_of_few(
    pairs: Pairs, likeness: Sequence[float], places: Sequence[int]
) -> tuple[float, tuple[int, ...]]:
    """The greatest sum, and the pairs it is of: by trying all."""
    best: tuple[float, tuple[int, ...]] = (0.0, ())
    for at, place in enumerate(places):
        first, second = pairs[place]
        rest = [p for p in places[at + 1 :] if pairs[p][0] != first and pairs[p][1] != second]
        total, others = _best_of_few(pairs, likeness, rest) if rest else (0.0, ())
        if total + likeness[place] > best[0]:
            best = total + likeness[place], (place, *others)
    return best


def _best_of_many(pairs: Pairs, likeness: Sequence[float], places: Sequence[int]) -> Iterator[int]:
    """The pairs of the greatest sum: a linear assignment."""
    rows = _numbered([pairs[place][0] for place in places])
    columns = _numbered([pairs[place][1] for place in places])
    chosen = assigned(rows, columns, np.array([likeness[place] for place in places]))
    return compress(places, chosen.tolist())


def assigned(
    rows: IndexArray, columns: IndexArray, likeness: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.bool_]:
    """Which pairs [K] of a row and a column, each numbered from 0 on, are in the assignment of the
    greatest sum (Jonker and Volgenant, Computing 38, 1987).
    """
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    table[rows, columns] = -likeness
    _, column_of, _ = lap.lapjv(table, extend_cost=True)  # -1 for a row without one
    chosen: npt.NDArray[np.bool_] = column_of[rows] == columns
    return chosen


def _numbered(names: Sequence[Hashable]) -> IndexArray:
    """Each by a number from 0 on."""
    number = {name: at for at, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], np.intp)
