"""Who is in which zone: entering and leaving take a while, so that a foot on the border is neither.

Pure; all objects and zones at once. Rows are those of the tracker's `tracks`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from config.zones import ZoneConfig
from daemon.tracking.places import Places, lengthened
from daemon.tracking.polygon import Area
from daemon.tracking.tracks import by_label

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

UNCERTAIN_S = 1.0  # out of sight for longer than this, nobody knows when a border was passed


@dataclass(frozen=True, slots=True)
class Passage:
    """An object entered a zone, left it, or has been there for long."""

    row: int
    zone: int
    phase: str  # entered, left, loitering
    at_s: float
    since_s: float
    uncertain: bool = False


_COLUMNS = ("inside", "_entered_s", "_loiters", "_turning", "_turned_s", "_doubted")


class Zones:
    """`see` with every picture; `forget` for rows that are given back."""

    def __init__(self, zones: Mapping[str, ZoneConfig], labels: Sequence[str]) -> None:
        self.places = Places(zones, labels)
        count = len(zones)
        self._areas = [Area(np.array(zone.area)) for zone in zones.values()]
        self._enter_s = np.array([zone.enter_after_s for zone in zones.values()])
        self._leave_s = np.array([zone.leave_after_s for zone in zones.values()])
        self._loiter_s = np.array([zone.loiter_after_s or np.inf for zone in zones.values()])
        self._may_loiter = bool(np.isfinite(self._loiter_s).any())
        self.inside = np.zeros((0, count), np.bool_)
        self._entered_s = np.zeros((0, count))
        self._loiters = np.zeros((0, count), np.bool_)
        self._turning = np.zeros((0, count), np.bool_)  # about to enter or to leave
        self._turned_s = np.zeros((0, count))  # since when
        self._doubted = np.zeros((0, count), np.bool_)

    def names(self, row: int) -> tuple[str, ...]:
        """Of the zones an object is in."""
        if not len(self.places):
            return ()
        return tuple(self.places.names[zone] for zone in (self.inside[row]).nonzero()[0])

    def carry(self, before: Zones) -> None:
        """Go on where `before` was, in the zones that are the same."""
        for new, old in self.places.shared(before.places):
            for name in _COLUMNS:
                getattr(self, name)[:, new] = getattr(before, name)[:, old]

    def lengthen(self, capacity: int) -> None:
        for name in _COLUMNS:
            setattr(self, name, lengthened(getattr(self, name), capacity))

    def begin(self, rows: IntArray, capacity: int) -> None:
        """These rows are new objects."""
        if capacity > len(self.inside):
            self.lengthen(capacity)
        self.inside[rows] = self._loiters[rows] = False
        self._turning[rows] = self._doubted[rows] = False

    def see(
        self,
        rows: IntArray,
        points: FloatArray,
        wanted: BoolArray,
        *,
        at_s: float,
        unseen_s: FloatArray,
        confirmed: BoolArray,
    ) -> list[Passage]:
        """`points` [N, Z, 2] is where the objects in `rows` [N] stand, `unseen_s` [N] how long they
        were out of sight before; only `confirmed` ones [N] enter anything.
        """
        inside = self.inside[rows]
        there = self._contains(points) & (wanted | inside)
        turning = there != inside
        if not turning.any():  # everybody is where he was
            self._turning[rows] = False
            return self._loitering(rows, at_s) if self._may_loiter else []
        began = turning & ~self._turning[rows]
        turned_s = np.where(began, at_s, self._turned_s[rows])
        doubted = np.where(began, (unseen_s > UNCERTAIN_S)[:, None], self._doubted[rows])
        lasts_s = np.where(turning, at_s - turned_s, -1.0)
        wait_s = np.where(inside, self._leave_s, self._enter_s)
        flips = turning & (lasts_s >= wait_s - 1e-9) & confirmed[:, None]
        self._turning[rows] = turning & ~flips
        self._turned_s[rows], self._doubted[rows] = turned_s, doubted
        passages: list[Passage] = []
        if not flips.any():
            return self._loitering(rows, at_s) if self._may_loiter else passages
        for n, zone in np.argwhere(flips).tolist():
            row = int(rows[n])
            since_s = float(self._entered_s[row, zone] if inside[n, zone] else turned_s[n, zone])
            phase = "left" if inside[n, zone] else "entered"
            at = float(turned_s[n, zone])
            passages.append(Passage(row, zone, phase, at, since_s, bool(doubted[n, zone])))
        entered = flips & ~inside
        self._entered_s[rows] = np.where(entered, turned_s, self._entered_s[rows])
        self._loiters[rows] &= ~flips
        self.inside[rows] = inside ^ flips
        return passages + (self._loitering(rows, at_s) if self._may_loiter else [])

    def end(
        self, row: int, at_s: float, *, uncertain: bool, but: Collection[str] = ()
    ) -> list[Passage]:
        """An object leaves every zone it is in, `but` these."""
        left = []
        for zone in (self.inside[row]).nonzero()[0].tolist():
            if self.places.names[zone] in but:
                continue
            since_s = float(self._entered_s[row, zone])
            left.append(Passage(row, zone, "left", max(at_s, since_s), since_s, uncertain))
            self.inside[row, zone] = False
        return left

    def counts(self, live: IntArray, label: IntArray) -> list[list[tuple[int, int]]]:
        """For each zone (label, number) of the objects in `live` [N] that are inside."""
        if not len(self.places):
            return []
        inside = self.inside[live]
        return [by_label(label[inside[:, zone]]) for zone in range(len(self.places))]

    def _loitering(self, rows: IntArray, at_s: float) -> list[Passage]:
        stayed_s = at_s - self._entered_s[rows]
        due = self.inside[rows] & ~self._loiters[rows] & (stayed_s >= self._loiter_s - 1e-9)
        if not due.any():
            return []
        self._loiters[rows] |= due
        return [
            Passage(int(rows[n]), zone, "loitering", at_s, float(self._entered_s[rows[n], zone]))
            for n, zone in np.argwhere(due).tolist()
        ]

    def _contains(self, points: FloatArray) -> BoolArray:
        """Which point [N, Z, 2] lies in its zone, by the even-odd rule."""
        found = np.zeros(points.shape[:2], np.bool_)
        for zone, area in enumerate(self._areas):
            found[:, zone] = area.has(points[:, zone])
        return found
