"""Which box is which object: the best assignment of buffered overlaps. Pure.

Buffered IoU is that of Yang, Odashima, Masui and Jiang, "Hard to Track Objects with Irregular
Motions and Similar Appearances? Make It Easier by Buffering the Matching Space", WACV 2023.
"""

from __future__ import annotations

from typing import Any

import lap
import numpy as np
import numpy.typing as npt

from daemon.tracking.boxes import corners, iou

FloatArray = npt.NDArray[np.floating[Any]]
IndexArray = npt.NDArray[np.intp]

_NONE = np.zeros(0, np.intp)


def buffered_iou(
    expected: FloatArray, found: FloatArray, *, buffer: float, reach_px: FloatArray
) -> FloatArray:
    """[M, N] of boxes given as centre, width, height, once all are enlarged by `buffer` of their
    sides, and the expected ones by `reach_px` [M] more.
    """
    wide = corners(expected, expected[:, 2:] * buffer + reach_px[:, None])
    return iou(wide, corners(found, found[:, 2:] * buffer))


def best_pairs(likeness: FloatArray) -> tuple[IndexArray, IndexArray]:
    """Rows and columns that belong together: the assignment of the greatest sum. What is not alike
    at all (0) is no pair.
    """
    if not likeness.any():
        return _NONE, _NONE
    _, column_of, _ = lap.lapjv(-likeness, extend_cost=True)  # -1 for a row without one
    rows = (column_of >= 0).nonzero()[0]
    columns = column_of[rows].astype(np.intp)
    fit = likeness[rows, columns] > 0
    return rows[fit], columns[fit]
