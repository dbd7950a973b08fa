"""Whether points lie in a polygon. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]


class Area:
    """A polygon [M, 2] that is asked again and again."""

    def __init__(self, polygon: FloatArray) -> None:
        self._x1, self._y1 = polygon.T
        x2, self._y2 = np.roll(polygon, -1, axis=0).T
        self._run = x2 - self._x1
        rise = self._y2 - self._y1
        self._rise = np.where(rise == 0, 1.0, rise)  # level edges are never crossed
        edges = np.stack([self._x1, self._y1, self._y2, self._run, self._rise], axis=1)
        self._edges = [tuple(edge) for edge in edges.tolist() if edge[1] != edge[2]]
        (self._left, self._top), (self._right, self._bottom) = (
            polygon.min(axis=0).tolist(),
            polygon.max(axis=0).tolist(),
        )

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies in it, as `has`."""
        if not (self._left <= x <= self._right and self._top <= y <= self._bottom):
            return False
        inside = False
        for x1, y1, y2, run, rise in self._edges:
            if (y1 > y) is not (y2 > y) and x < run * (y - y1) / rise + x1:
                inside = not inside
        return inside

    def has(self, points: FloatArray) -> npt.NDArray[np.bool_]:
        """Which of `points` [N, 2] lie in it, by the even-odd rule (ray casting)."""
        x, y = points[:, :1], points[:, 1:]  # [N, 1] against the edges [M]
        crosses = (self._y1 > y) != (self._y2 > y)
        crosses &= x < self._run * (y - self._y1) / self._rise + self._x1
        result: npt.NDArray[np.bool_] = np.logical_xor.reduce(crosses, axis=1)
        return result
