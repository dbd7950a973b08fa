"""Who is in which zone: entering and leaving take a while, so that a foot on the border is neither.
Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from config.zones import ZoneConfig
from daemon.tracking.places import Places, Size
from daemon.tracking.polygon import Area
from daemon.tracking.tracks import Track, by_label

UNCERTAIN_S = 1.0  # out of sight for longer than this, nobody knows when a border was passed
_ROUNDING_S = 1e-9
_NOWHERE = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """An object entered a zone, left it, or has been there for long."""

    track: Track
    zone: int
    phase: str  # entered, left, loitering
    at_s: float
    since_s: float
    uncertain: bool = False


@dataclass(slots=True, eq=False)
class _Stay:
    """Of one object in one zone, or outside it."""

    inside: bool = False
    entered_s: float = 0.0
    loiters: bool = False
    turning: bool = False  # about to enter or to leave
    turned_s: float = 0.0  # since when
    doubted: bool = False


class Zones:
    """`begin` with a new object, `see` with every picture; `keep` what is still there."""

    def __init__(self, zones: Mapping[str, ZoneConfig], labels: Sequence[str]) -> None:
        self.places = Places(zones, labels)
        self._zones = list(zones.values())
        self._areas = [Area(np.array(zone.area)) for zone in self._zones]
        self._may_loiter = any(zone.loiter_after_s for zone in self._zones)
        self._stays: dict[Track, list[_Stay]] = {}
        self._names: dict[Track, tuple[str, ...]] = {}  # of those that are in some zone

    def names(self, track: Track) -> tuple[str, ...]:
        """Of the zones an object is in."""
        return self._names.get(track, _NOWHERE)

    def carry(self, before: Zones) -> None:
        """Go on where `before` was, in the zones that are the same."""
        shared = self.places.shared(before.places)
        for track, stays in before._stays.items():
            self.begin(track)
            for new, old in shared:
                self._stays[track][new] = stays[old]
            self._name(track)

    def begin(self, track: Track) -> None:
        """A new object."""
        self._stays[track] = [_Stay() for _ in self._zones]

    def keep(self, tracks: Collection[Track]) -> None:
        """The others are gone."""
        self._stays = {track: self._stays[track] for track in tracks}
        self._names = {track: self._names[track] for track in tracks if track in self._names}

    def see(self, tracks: Collection[Track], *, at_s: float, size_px: Size) -> list[Passage]:
        """These were seen at `at_s`; only confirmed ones enter anything."""
        passages = [
            passage
            for track in tracks
            for zone, stay in enumerate(self._stays[track])
            if (passage := self._seen(track, zone, stay, at_s, size_px))
        ]
        for passage in passages:
            self._name(passage.track)
        return passages + self._loitering(tracks, at_s) if self._may_loiter else passages

    def _seen(
        self, track: Track, zone: int, stay: _Stay, at_s: float, size_px: Size
    ) -> Passage | None:
        """What passed, if that is sure now."""
        x, y = self.places.anchor(zone, track, size_px)
        there = self._areas[zone].holds(x, y)
        if there and not stay.inside:
            there = self.places.wants(zone, track, size_px)
        if there is stay.inside:
            stay.turning = False
            return None
        if not stay.turning:
            stay.turning, stay.turned_s = True, at_s
            stay.doubted = track.unseen_s > UNCERTAIN_S
        rule = self._zones[zone]
        wait_s = rule.leave_after_s if stay.inside else rule.enter_after_s
        if not track.number or at_s - stay.turned_s < wait_s - _ROUNDING_S:
            return None
        stay.turning = stay.loiters = False
        stay.inside = there
        if there:
            stay.entered_s = stay.turned_s
        phase = "entered" if there else "left"
        return Passage(track, zone, phase, stay.turned_s, stay.entered_s, stay.doubted)

    def _loitering(self, tracks: Iterable[Track], at_s: float) -> list[Passage]:
        found = []
        for track in tracks:
            for zone, stay in enumerate(self._stays[track]):
                after_s = self._zones[zone].loiter_after_s
                if not after_s or not stay.inside or stay.loiters:
                    continue
                if at_s - stay.entered_s >= after_s - _ROUNDING_S:
                    stay.loiters = True
                    found.append(Passage(track, zone, "loitering", at_s, stay.entered_s))
        return found

    def end(
        self, track: Track, at_s: float, *, uncertain: bool, but: Collection[str] = ()
    ) -> list[Passage]:
        """An object leaves every zone it is in, `but` these."""
        left = []
        for zone, stay in enumerate(self._stays[track]):
            if not stay.inside or self.places.names[zone] in but:
                continue
            stay.inside = False
            since_s = stay.entered_s
            left.append(Passage(track, zone, "left", max(at_s, since_s), since_s, uncertain))
        self._name(track)
        return left

    def counts(self, tracks: Iterable[Track]) -> list[list[tuple[int, int]]]:
        """For each zone (label, number) of those of `tracks` that are inside."""
        return [
            by_label(track for track in tracks if self._stays[track][zone].inside)
            for zone in range(len(self.places))
        ]

    def _name(self, track: Track) -> None:
        stays = self._stays[track]
        self._names[track] = tuple(
            name for name, stay in zip(self.places.names, stays, strict=True) if stay.inside
        )
