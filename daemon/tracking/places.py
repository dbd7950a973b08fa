"""What zones and lines have in common: which objects count, and where these stand. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.objects import ObjectFilter
from config.zones import LineConfig, ZoneConfig
from daemon.tracking.tracks import Track

Size = tuple[int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Limits:
    """Of the objects of one label that count; areas are shares of the picture."""

    min_score: float
    min_area: float
    max_area: float
    min_ratio: float
    max_ratio: float

    def fit(self, track: Track, size_px: Size) -> bool:
        area = track.width * track.height / (size_px[0] * size_px[1])
        ratio = track.width / max(track.height, 1e-6)
        return (
            track.seen_score >= self.min_score
            and self.min_area <= area <= self.max_area
            and self.min_ratio <= ratio <= self.max_ratio
        )


class Places:
    """The zones, or the lines, of a camera: by their positions in `names`."""

    def __init__(
        self, places: Mapping[str, ZoneConfig] | Mapping[str, LineConfig], labels: Sequence[str]
    ) -> None:
        given: list[ZoneConfig | LineConfig] = list(places.values())
        self.names = tuple(places)
        self._given = given
        self._below = [0.5 if place.anchor == "bottom_center" else 0.0 for place in given]
        self._limits = [[_limits(place, label) for label in labels] for place in given]

    def __len__(self) -> int:
        return len(self.names)

    def shared(self, before: Places) -> list[tuple[int, int]]:
        """Positions here and there of the places that are the same."""
        there = {name: position for position, name in enumerate(before.names)}
        return [
            (position, there[name])
            for position, name in enumerate(self.names)
            if name in there and self._given[position] == before._given[there[name]]
        ]

    def anchor(self, place: int, track: Track, size_px: Size) -> Point:
        """Where an object stands for a place, in fractions of the picture, never outside it."""
        x = track.x / size_px[0]
        y = (track.y + self._below[place] * track.height) / size_px[1]
        return max(min(x, _WITHIN), 0.0), max(min(y, _WITHIN), 0.0)

    def wants(self, place: int, track: Track, size_px: Size) -> bool:
        """Whether an object counts for a place."""
        limits = self._limits[place][track.label]
        return limits is None or limits.fit(track, size_px)


_WITHIN = 1 - 1e-9  # feet on the lower edge of the picture are inside


def _limits(place: ZoneConfig | LineConfig, label: str) -> _Limits | None:
    """None where all pass; no score is enough where the label does not count."""
    counts = place.labels is None or label in place.labels
    of = place.filters.get(label, ObjectFilter())
    least_score = (of.min_score or 0.0) if counts else float("inf")
    least_area = max(of.min_area, place.min_area)
    limits = _Limits(least_score, least_area, of.max_area, of.min_ratio, of.max_ratio)
    usual = ObjectFilter()
    unlimited = _Limits(0.0, 0.0, usual.max_area, 0.0, usual.max_ratio)
    return None if limits == unlimited else limits
