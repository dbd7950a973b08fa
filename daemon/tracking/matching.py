"""Which box is which object: the best assignment of buffered overlaps. Pure.

Buffered IoU is that of Yang, Odashima, Masui and Jiang, "Hard to Track Objects with Irregular
Motions and Similar Appearances? Make It Easier by Buffering the Matching Space", WACV 2023.

Of all objects and boxes only those are looked at that touch once they are enlarged as far as any
pass does: a few pairs [K] in place of a table of all with all. Boxes are columns: centre x and y,
width, height. What is there for x and y alike is computed for both at once: most of what a picture
costs is the number of operations, not of boxes.
"""

from __future__ import annotations

from typing import Any

import lap
import numpy as np
import numpy.typing as npt

from daemon.tracking.tracks import PLACE, SIDES
from daemon.tracking.tuning import Tuning

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]


def touching(
    expected: FloatArray, found: FloatArray, *, buffer: float, reach_px: FloatArray
) -> tuple[IndexArray, IndexArray]:
    """Places [K] of objects and boxes that overlap once all are enlarged by `buffer` of their sides
    on every side, and the expected ones by `reach_px` [M] more.
    """
    room = expected[SIDES] * (0.5 + buffer)
    room += reach_px
    apart = np.abs(expected[PLACE][:, :, None] - found[PLACE][:, None])
    apart -= room[:, :, None]
    near = apart < (found[SIDES] * (0.5 + buffer))[:, None]
    m, n = (near[0] & near[1]).nonzero()
    return m, n


def overlaps(
    expected: FloatArray, found: FloatArray, *, buffer: float, reach_px: FloatArray
) -> FloatArray:
    """Buffered IoU [K] of pairs of boxes."""
    mine = expected[SIDES] * (0.5 + buffer)
    mine += reach_px
    theirs = found[SIDES] * (0.5 + buffer)
    sides = np.minimum(expected[PLACE] + mine, found[PLACE] + theirs)
    sides -= np.maximum(expected[PLACE] - mine, found[PLACE] - theirs)
    np.maximum(sides, 0.0, out=sides)
    shared: FloatArray = sides[0] * sides[1]
    shared *= 0.25  # as both areas are those of half the sides
    union = mine[0] * mine[1]
    union += theirs[0] * theirs[1]
    union -= shared
    shared /= union
    return shared


def likelihoods(
    expected: FloatArray,
    found: FloatArray,
    *,
    size_px: FloatArray,
    variance: FloatArray,
    tuning: Tuning,
) -> FloatArray:
    """How likely the box of a pair is the object's [K]: 1 for what was expected, 0 from `farthest`
    on. `variance` [K] is that of the expected place, in units of the object's size [K].
    """
    total = variance + tuning.shake**2
    off = found[PLACE] - expected[PLACE]
    off *= off
    unlikely: FloatArray = off[0] + off[1]
    unlikely /= size_px * size_px * total
    grown = np.log(found[SIDES] / expected[SIDES])
    grown *= grown
    unlikely += (grown[0] + grown[1]) / tuning.side_shake**2
    unlikely += 2 * np.log(total / tuning.shake**2)
    likely: FloatArray = 1 - unlikely / tuning.farthest
    return np.maximum(likely, 0.0, out=likely)


def best_pairs(m: IndexArray, n: IndexArray, likeness: FloatArray) -> BoolArray:
    """Which of the pairs [K] of row `m` and column `n`, all of them alike (more than 0), belong
    together: the assignment of the greatest sum.
    """
    lone: BoolArray = np.bincount(m)[m] == 1
    lone &= np.bincount(n)[n] == 1
    if lone.all():  # nobody has a choice
        return lone
    choices = (~lone).nonzero()[0]
    row, rows = _counted(m[choices].tolist())
    column, columns = _counted(n[choices].tolist())
    table = np.zeros((rows, columns))
    table[row, column] = -likeness[choices]
    _, column_of, _ = lap.lapjv(table, extend_cost=True)  # -1 for a row without one
    lone[choices] = column_of[row] == column
    return lone


def _counted(names: list[int]) -> tuple[list[int], int]:
    """Each by a number from 0 on, and how many there are. For a few: `np.unique` would give the
    interpreter away.
    """
    number = {name: at for at, name in enumerate(dict.fromkeys(names))}
    return [number[name] for name in names], len(number)
