"""How much boxes have in common. Boxes are x1, y1, x2, y2. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from daemon.tracking.happenings import Box

FloatArray = npt.NDArray[np.floating[Any]]


def shared_area(a: FloatArray, b: FloatArray) -> FloatArray:
    """Area [M, N] that each of `a` [M, 4] has in common with each of `b` [N, 4]."""
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides -= np.maximum(a[:, None, :2], b[None, :, :2])
    np.maximum(sides, 0, out=sides)
    shared: FloatArray = sides[..., 0] * sides[..., 1]
    return shared


def area(boxes: FloatArray) -> FloatArray:
    """Areas [N]."""
    areas: FloatArray = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def coverage(a: FloatArray, b: FloatArray) -> FloatArray:
    """Which share [M, N] of each of `a` lies in each of `b`."""
    share: FloatArray = shared_area(a, b) / np.maximum(area(a), 1e-9)[:, None]
    return share


def covered(a: Box, b: Box) -> float:
    """Which share of the smaller one of two boxes both have in common."""
    ax1, ay1, ax2, ay2 = a
    bx1, by1, bx2, by2 = b
    wide, tall = min(ax2, bx2) - max(ax1, bx1), min(ay2, by2) - max(ay1, by1)
    if wide <= 0 or tall <= 0:
        return 0.0
    smaller = min((ax2 - ax1) * (ay2 - ay1), (bx2 - bx1) * (by2 - by1))
    return wide * tall / max(smaller, 1e-9)
