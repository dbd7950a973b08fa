"""What zones and lines have in common: which objects count, and where these stand. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from config.objects import ObjectFilter
from config.zones import LineConfig, ZoneConfig

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


class Places:
    """The zones, or the lines, of a camera. Arrays are [objects, places]."""

    def __init__(
        self, places: Mapping[str, ZoneConfig] | Mapping[str, LineConfig], labels: Sequence[str]
    ) -> None:
        given: list[ZoneConfig | LineConfig] = list(places.values())
        self.names = tuple(places)
        self._given = given
        self._at_feet = np.array([place.anchor == "bottom_center" for place in given], np.float64)
        limits = [[_limits(place, label) for place in given] for label in labels]
        table = np.array(limits).reshape(len(labels), len(given), 5)
        self._limits = np.ascontiguousarray(table.transpose(2, 0, 1))  # [5, labels, places]
        self._unlimited = bool((table == _limits(None, "")).all())

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

    def anchors(self, box: FloatArray, size_px: FloatArray) -> FloatArray:
        """Where objects stand [N, P, 2], in fractions of the picture, never outside it; `box`
        [N, 4] is centre, width, height in pixels.
        """
        y = box[:, 1:2] + self._at_feet * box[:, 3:4] / 2
        points = np.empty((len(box), len(self), 2))
        points[..., 0] = box[:, :1] / size_px[0]
        points[..., 1] = y / size_px[1]
        np.minimum(points, _WITHIN, out=points)
        np.maximum(points, 0.0, out=points)
        return points

    def wanted(
        self, label: IntArray, score: FloatArray, box: FloatArray, size_px: FloatArray
    ) -> BoolArray:
        """Which objects count for which place [N, P]."""
        if self._unlimited:
            return np.ones((len(label), len(self)), np.bool_)
        least_score, least_area, most_area, least_ratio, most_ratio = self._limits[:, label]
        area = (box[:, 2] * box[:, 3] / size_px.prod())[:, None]
        ratio = (box[:, 2] / np.maximum(box[:, 3], 1e-6))[:, None]
        fits: BoolArray = (
            (score[:, None] >= least_score)
            & (area >= least_area)
            & (area <= most_area)
            & (ratio >= least_ratio)
            & (ratio <= most_ratio)
        )
        return fits


_WITHIN = 1 - 1e-9  # feet on the lower edge of the picture are inside


def _limits(place: ZoneConfig | LineConfig | None, label: str) -> tuple[float, ...]:
    """Least score (none is enough where the label does not count), areas and ratios; those of no
    place let all pass.
    """
    if place is None:
        usual = ObjectFilter()
        return 0.0, 0.0, usual.max_area, 0.0, usual.max_ratio
    counts = place.labels is None or label in place.labels
    of = place.filters.get(label, ObjectFilter())
    least_score = (of.min_score or 0.0) if counts else np.inf
    least_area = max(of.min_area, place.min_area)
    return least_score, least_area, of.max_area, of.min_ratio, of.max_ratio


def lengthened(column: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    """The same with zeros behind, where it is shorter."""
    if len(column) >= length:
        return column
    longer = np.zeros((length, *column.shape[1:]), column.dtype)
    longer[: len(column)] = column
    return longer
