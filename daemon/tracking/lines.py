"""Who crossed which line, and which way: once for every crossing, and never for wavering on it.

Pure; all objects and lines at once. Rows are those of the tracker's `tracks`. An object is on a
side once it stands there clearly: it stays for a moment, or it is half its size away. Closer to the
line than a part of its size it is on neither and keeps the side that it had. It has crossed when it
is clearly on the other side and the way between the two places cuts the segment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from config.zones import LineConfig
from daemon.tracking.places import Places, lengthened
from daemon.tracking.zones import UNCERTAIN_S

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

SETTLED_S = 0.2  # on one side for so long is clear
CLEAR = 0.5  # so many sizes away is clear at once
WAVERING = 0.12  # less than so many sizes away is no side


@dataclass(frozen=True, slots=True)
class Crossing:
    """An object crossed a line towards its left (looking from → to), or its right."""

    row: int
    line: int
    to_left: bool
    at_s: float
    uncertain: bool


_COLUMNS = ("side", "_left_at", "_left_s", "_other", "_came_at", "_came_s")


class Lines:
    """`see` with every picture. Directions are named by whoever made the lines."""

    def __init__(self, lines: Mapping[str, LineConfig], labels: Sequence[str]) -> None:
        self.places = Places(lines, labels)
        count = len(lines)
        self._start = np.array([line.start for line in lines.values()]).reshape(count, 2)
        self._end = np.array([line.to for line in lines.values()]).reshape(count, 2)
        self.directions = [(line.left, line.right) for line in lines.values()]
        self.side = np.zeros((0, count), np.int64)  # 1 left, -1 right, 0 not known; clear
        self._left_at = np.zeros((0, count, 2))  # where it was last seen on that side
        self._left_s = np.zeros((0, count))
        self._other = np.zeros((0, count), np.int64)  # the side it is on now, not clear yet
        self._came_at = np.zeros((0, count, 2))  # where it was first seen on that side
        self._came_s = np.zeros((0, count))

    def carry(self, before: Lines) -> None:
        """Go on where `before` was, at the lines that are the same."""
        for new, old in self.places.shared(before.places):
            for name in _COLUMNS:
                getattr(self, name)[:, new] = getattr(before, name)[:, old]

    def begin(self, rows: IntArray, capacity: int) -> None:
        """These rows are new objects."""
        if capacity > len(self.side):
            self.lengthen(capacity)
        self.side[rows] = self._other[rows] = 0

    def lengthen(self, capacity: int) -> None:
        for name in _COLUMNS:
            setattr(self, name, lengthened(getattr(self, name), capacity))

    def inherit(self, row: int, before: int) -> None:
        """The object in `row` is that of `before` under another number: it comes from where that
        one was, and that one crosses nothing any more.
        """
        for column in (self.side, self._left_at, self._left_s):
            column[row] = column[before]
        self.side[before] = self._other[before] = 0

    def see(
        self,
        rows: IntArray,
        points: FloatArray,
        wanted: BoolArray,
        *,
        at_s: float,
        size_px: FloatArray,
        object_px: FloatArray,
        confirmed: BoolArray,
    ) -> list[Crossing]:
        """`points` [N, L, 2] is where the objects in `rows` [N] stand, in fractions of the picture
        of `size_px`; `object_px` [N] is how large they are. Only `confirmed` ones [N] cross.
        """
        sizes = self._distance(points, size_px) / object_px[:, None]
        now = np.where(np.abs(sizes) < WAVERING, 0, np.sign(sizes)).astype(np.int64)
        side = self.side[rows]
        same = (now == side) & (now != 0)
        if same.all():  # everybody is clearly where he was
            self._left_at[rows], self._left_s[rows], self._other[rows] = points, at_s, 0
            return []
        self._left_at[rows] = np.where(same[..., None], points, self._left_at[rows])
        self._left_s[rows] = np.where(same, at_s, self._left_s[rows])
        came = (now != 0) & ~same & (self._other[rows] != now)
        self._came_at[rows] = np.where(came[..., None], points, self._came_at[rows])
        self._came_s[rows] = np.where(came, at_s, self._came_s[rows])
        # Where it wavers nothing is forgotten; back on its old side it never was on the other.
        other = np.where(same, 0, np.where(now == 0, self._other[rows], now))
        self._other[rows] = other
        stays_s = at_s - self._came_s[rows]
        clear = (now != 0) & ~same & ((np.abs(sizes) >= CLEAR) | (stays_s >= SETTLED_S - 1e-9))
        clear &= confirmed[:, None]
        crossings = self._crossed(rows, clear & (side != 0), wanted)
        self.side[rows] = np.where(clear, now, side)
        self._left_at[rows] = np.where(clear[..., None], points, self._left_at[rows])
        self._left_s[rows] = np.where(clear, at_s, self._left_s[rows])
        self._other[rows] = np.where(clear, 0, other)
        return crossings

    def _crossed(self, rows: IntArray, changes: BoolArray, wanted: BoolArray) -> list[Crossing]:
        found: list[Crossing] = []
        if not changes.any():
            return found
        for n, line in np.argwhere(changes).tolist():
            row = int(rows[n])
            before, after = self._left_at[row, line], self._came_at[row, line]
            share = _cut(self._start[line], self._end[line], before, after)
            if share is None or not wanted[n, line]:
                continue
            left_s, came_s = float(self._left_s[row, line]), float(self._came_s[row, line])
            at_s = left_s + share * (came_s - left_s)
            to_left = int(self._other[row, line]) > 0
            found.append(Crossing(row, line, to_left, at_s, came_s - left_s > UNCERTAIN_S))
        return found

    def _distance(self, points: FloatArray, size_px: FloatArray) -> FloatArray:
        """How far [N, L] each stands from each line made endless, pixels; to its left positive."""
        way = (self._end - self._start) * size_px
        off = (points - self._start) * size_px
        # The picture's y grows downwards: what is left of the way has a negative cross product.
        cross = way[:, 0] * off[..., 1] - way[:, 1] * off[..., 0]
        distance: FloatArray = -cross / np.linalg.norm(way, axis=1)
        return distance


def _cut(start: FloatArray, end: FloatArray, before: FloatArray, after: FloatArray) -> float | None:
    """Which share of the way from `before` to `after` lies before the segment; None where it
    passes beside the segment.
    """
    way, line = after - before, end - start
    cross = float(way[0] * line[1] - way[1] * line[0])
    if cross == 0.0:
        return None
    off = start - before
    share = float(off[0] * line[1] - off[1] * line[0]) / cross
    along = float(off[0] * way[1] - off[1] * way[0]) / cross
    return share if 0.0 <= along <= 1.0 and 0.0 <= share <= 1.0 else None
