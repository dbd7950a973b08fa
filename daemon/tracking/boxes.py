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


def iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over union [M, N]."""
    shared = shared_area(a, b)
    union = area(a)[:, None] + area(b)[None, :] - shared
    overlap: FloatArray = shared / np.maximum(union, 1e-9)
    return overlap


def coverage(a: FloatArray, b: FloatArray) -> FloatArray:
    """Which share [M, N] of each of `a` lies in each of `b`."""
    share: FloatArray = shared_area(a, b) / np.maximum(area(a), 1e-9)[:, None]
    return share


def corners(xywh: FloatArray, buffer: FloatArray | float = 0.0) -> FloatArray:
    """Corners [N, 4] of boxes given as centre, width and height, each side moved out by `buffer`
    pixels ([N, 2] for x and y).
    """
    half = xywh[:, 2:] / 2 + buffer
    return np.concatenate([xywh[:, :2] - half, xywh[:, :2] + half], axis=1)


def centred(xyxy: FloatArray) -> FloatArray:
    """Centre, width and height [N, 4]."""
    low, high = xyxy[:, :2], xyxy[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1)
