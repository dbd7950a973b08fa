"""How much boxes have in common, every one with every other. Boxes are x1, y1, x2, y2. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

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
