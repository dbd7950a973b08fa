"""Who crossed which line, and which way: once for every crossing, and never for wavering on it.

Pure. An object is on a side once it stands there clearly: it stays for a moment, or it is half its
size away. Closer to the line than a part of its size it is on neither and keeps the side that it
had. It has crossed when it is clearly on the other side and the way between the two places cuts the
segment.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from config.zones import LineConfig
from daemon.tracking.places import Places, Point, Size
from daemon.tracking.tracks import Track
from daemon.tracking.zones import UNCERTAIN_S

SETTLED_S = 0.2  # on one side for so long is clear
CLEAR = 0.5  # so many sizes away is clear at once
WAVERING = 0.12  # less than so many sizes away is no side
_ROUNDING_S = 1e-9


@dataclass(frozen=True, slots=True)
class Crossing:
    """An object crossed a line towards its left (looking from → to), or its right."""

    track: Track
    line: int
    to_left: bool
    at_s: float
    uncertain: bool


@dataclass(slots=True, eq=False)
class _Stand:
    """Of one object, at one line."""

    side: int = 0  # 1 left, -1 right, 0 not known; clear
    left_at: Point = (0.0, 0.0)  # where it was last seen on that side
    left_s: float = 0.0
    other: int = 0  # the side it is on now, not clear yet
    came_at: Point = (0.0, 0.0)  # where it was first seen on that side
    came_s: float = 0.0

    def stays(self, side: int, point: Point, at_s: float) -> None:
        """It is clearly on that side."""
        self.side, self.left_at, self.left_s, self.other = side, point, at_s, 0


class Lines:
    """`begin` with a new object, `see` with every picture; `keep` what is still there. Directions
    are named by whoever made the lines.
    """

    def __init__(self, lines: Mapping[str, LineConfig], labels: Sequence[str]) -> None:
        self.places = Places(lines, labels)
        self._lines = list(lines.values())
        self.directions = [(line.left, line.right) for line in self._lines]
        self._stands: dict[Track, list[_Stand]] = {}

    def carry(self, before: Lines) -> None:
        """Go on where `before` was, at the lines that are the same."""
        shared = self.places.shared(before.places)
        for track, stands in before._stands.items():
            self.begin(track)
            for new, old in shared:
                self._stands[track][new] = stands[old]

    def begin(self, track: Track) -> None:
        """A new object."""
        self._stands[track] = [_Stand() for _ in self._lines]

    def keep(self, tracks: Iterable[Track]) -> None:
        """The others are gone."""
        self._stands = {track: self._stands[track] for track in tracks}

    def inherit(self, track: Track, before: Track) -> None:
        """It is the object that `before` was, under another number: it comes from where that one
        was, and that one crosses nothing any more.
        """
        for now, then in zip(self._stands[track], self._stands[before], strict=True):
            now.side, now.left_at, now.left_s = then.side, then.left_at, then.left_s
            then.side = then.other = 0

    def see(self, tracks: Collection[Track], *, at_s: float, size_px: Size) -> list[Crossing]:
        """These were seen at `at_s`, in a picture of `size_px`; only confirmed ones cross."""
        return [
            crossing
            for track in tracks
            for line, stand in enumerate(self._stands[track])
            if (crossing := self._seen(track, line, stand, at_s, size_px))
        ]

    def _seen(
        self, track: Track, line: int, stand: _Stand, at_s: float, size_px: Size
    ) -> Crossing | None:
        point = self.places.anchor(line, track, size_px)
        away = _distance(self._lines[line], point, size_px) / track.size  # sizes
        now = 0 if abs(away) < WAVERING else 1 if away > 0 else -1
        if now == 0:  # nothing is forgotten where it wavers
            return None
        if now == stand.side:
            stand.stays(now, point, at_s)
            return None
        if now != stand.other:
            stand.other, stand.came_at, stand.came_s = now, point, at_s
        is_clear = abs(away) >= CLEAR or at_s - stand.came_s >= SETTLED_S - _ROUNDING_S
        if not is_clear or not track.number:
            return None
        crossing = self._crossing(track, line, stand, size_px) if stand.side else None
        stand.stays(now, point, at_s)
        return crossing

    def _crossing(self, track: Track, line: int, stand: _Stand, size_px: Size) -> Crossing | None:
        share = _cut(self._lines[line], stand.left_at, stand.came_at)
        if share is None or not self.places.wants(line, track, size_px):
            return None
        took_s = stand.came_s - stand.left_s
        at_s = stand.left_s + share * took_s
        return Crossing(track, line, stand.other > 0, at_s, took_s > UNCERTAIN_S)


def _distance(line: LineConfig, point: Point, size_px: Size) -> float:
    """How far a point is from a line made endless, pixels; to its left positive."""
    (x, y), (end_x, end_y), (width, height) = line.start, line.to, size_px
    way_x, way_y = (end_x - x) * width, (end_y - y) * height
    off_x, off_y = (point[0] - x) * width, (point[1] - y) * height
    # The picture's y grows downwards: what is left of the way has a negative cross product.
    return (way_y * off_x - way_x * off_y) / math.hypot(way_x, way_y)


def _cut(line: LineConfig, before: Point, after: Point) -> float | None:
    """Which share of the way from `before` to `after` lies before the segment; None where it
    passes beside the segment.
    """
    way_x, way_y = after[0] - before[0], after[1] - before[1]
    (x, y), (end_x, end_y) = line.start, line.to
    line_x, line_y = end_x - x, end_y - y
    cross = way_x * line_y - way_y * line_x
    if cross == 0.0:
        return None
    off_x, off_y = x - before[0], y - before[1]
    share = (off_x * line_y - off_y * line_x) / cross
    along = (off_x * way_y - off_y * way_x) / cross
    return share if 0.0 <= along <= 1.0 and 0.0 <= share <= 1.0 else None
