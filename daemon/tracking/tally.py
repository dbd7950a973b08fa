"""How many objects are there and how many crossed each line. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from daemon.tracking.happenings import Counts
from daemon.tracking.lines import Lines
from daemon.tracking.tracks import Track, by_label
from daemon.tracking.zones import Zones

Crossings = dict[str, dict[str, dict[str, int]]]


class Tally:
    """Crossings are counted here; who is there is counted anew whenever somebody asks."""

    def __init__(self, lines: Lines, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._names = lines.places.names
        self._directions = lines.directions
        self._crossed: dict[tuple[int, int, bool], int] = {}

    def carry(self, before: Tally, shared: Iterable[tuple[int, int]]) -> None:
        """Go on counting at the lines that are the same: positions (new, old)."""
        now = {old: new for new, old in shared}
        for (line, label, to_left), number in before._crossed.items():
            if line in now:
                self._crossed[now[line], label, to_left] = number

    def crossed(self, line: int, label: int, *, to_left: bool) -> None:
        key = (line, label, to_left)
        self._crossed[key] = self._crossed.get(key, 0) + 1

    def counts(self, tracks: Iterable[Track], zones: Zones) -> Counts:
        known = [track for track in tracks if track.number]
        return Counts(
            present={self._labels[of]: number for of, number in by_label(known)},
            zones={
                name: {self._labels[of]: number for of, number in found}
                for name, found in zip(zones.places.names, zones.counts(known), strict=True)
            },
            lines=self._lines(),
        )

    def _lines(self) -> Crossings:
        found: Crossings = {name: {} for name in self._names}
        for (line, label, to_left), number in self._crossed.items():
            left, right = self._directions[line]
            ways = found[self._names[line]].setdefault(self._labels[label], {left: 0, right: 0})
            ways[left if to_left else right] = number
        return found
