"""Whether points lie in a polygon. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]


def inside(points: FloatArray, polygon: FloatArray) -> npt.NDArray[np.bool_]:
    """Which of `points` [N, 2] lie in `polygon` [M, 2], by the even-odd rule (ray casting)."""
    x, y = points[:, :1], points[:, 1:]  # [N, 1] against the edges [M]
    x1, y1 = polygon.T
    x2, y2 = np.roll(polygon, -1, axis=0).T
    crosses = (y1 > y) != (y2 > y)
    rise = np.where(y2 == y1, 1.0, y2 - y1)  # level edges are never crossed
    crossings = (crosses & (x < (x2 - x1) * (y - y1) / rise + x1)).sum(axis=1)
    result: npt.NDArray[np.bool_] = crossings % 2 == 1
    return result
