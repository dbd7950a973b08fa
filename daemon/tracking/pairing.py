"""The objects and the boxes of one picture on their way to each other. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from daemon.tracking.matching import best_pairs, likelihoods, overlaps, touching
from daemon.tracking.tracks import PLACE, SIDES, SPREAD
from daemon.tracking.tuning import Tuning
from detector.detections import Detections

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

BOX_CORNERS, BOX_SCORE = slice(4, 8), 8  # rows of the table of boxes
_NONE = np.zeros(0, np.intp)


@dataclass(frozen=True, slots=True)
class Expected:
    """The live objects as they should look now; beside `tracks.live`."""

    table: FloatArray  # [rows of `tracks`, M], predicted
    size: FloatArray  # [M]
    gap_s: FloatArray  # [M]
    longest_s: float  # of these
    stood: bool  # whether any was at rest


@dataclass(frozen=True, slots=True)
class Seen:
    """Boxes of one picture, beside each other."""

    table: FloatArray  # [9, N]: centre, width, height; x1, y1, x2, y2; score
    class_id: IntArray  # [N]
    strong: BoolArray

    @classmethod
    def of(cls, found: Detections, strong: BoolArray) -> Self:
        table = np.empty((9, len(found)))
        table[BOX_CORNERS] = found.xyxy_px.T
        np.add(table[4:6], table[6:8], out=table[PLACE])
        table[PLACE] *= 0.5
        np.subtract(table[6:8], table[4:6], out=table[SIDES])
        np.maximum(table[SIDES], 1.0, out=table[SIDES])
        table[BOX_SCORE] = found.score
        return cls(table, found.class_id.astype(np.intp), strong)

    def at(self, which: IntArray) -> Seen:
        return Seen(
            self.table.take(which, axis=1), self.class_id.take(which), self.strong.take(which)
        )


class Pairing:
    """Objects and boxes of one picture on their way to each other; every pass takes its pairs out.
    Of what several passes need each part is computed once.
    """

    def __init__(
        self, expected: Expected, seen: Seen, worth: FloatArray | None, tuning: Tuning
    ) -> None:
        variance = expected.table[SPREAD.start]
        reach = np.sqrt(variance)
        reach *= tuning.reach
        np.minimum(reach, tuning.reach_limit, out=reach)
        reach *= expected.size
        m, n = touching(expected.table, seen.table, buffer=max(tuning.buffers), reach_px=reach)
        self._m, self._n = m, n
        self._expected = expected.table.take(m, axis=1)
        self._seen = seen.table.take(n, axis=1)
        self._reach_px = reach.take(m)
        self._worth = None if worth is None else worth[m, n]
        self._likely = likelihoods(
            self._expected,
            self._seen,
            size_px=expected.size.take(m),
            variance=self._expected[SPREAD.start],
            tuning=tuning,
        )
        self._near: dict[float, FloatArray] = {}  # overlaps by buffer
        self._free = np.ones(len(m), np.bool_)  # pairs of whom none is taken
        self._taken: list[IntArray] = []
        self._is_over = not len(m)  # everybody has a partner who can

    def match(self, objects: BoolArray, boxes: BoolArray, buffer: float, least: float) -> None:
        """One pass: those of `objects` [M] and `boxes` [N] that are free, at this overlap."""
        if self._is_over:
            return
        fit = objects.take(self._m)
        fit &= boxes.take(self._n)
        fit &= self._free
        if not fit.any():
            return
        overlap = self._near.get(buffer)
        if overlap is None:
            overlap = self._near[buffer] = overlaps(
                self._expected, self._seen, buffer=buffer, reach_px=self._reach_px
            )
        fit &= overlap >= least
        if self._worth is not None:
            fit &= self._worth > 0
        at = fit.nonzero()[0]
        if not len(at):
            return
        likeness = overlap.take(at) + self._likely.take(at)
        if self._worth is not None:
            likeness *= self._worth.take(at)
        m, n = self._m.take(at), self._n.take(at)
        best = best_pairs(m, n, likeness)
        self._take(at[best], len(objects), len(boxes))

    def _take(self, pairs: IntArray, objects: int, boxes: int) -> None:
        self._taken.append(pairs)
        if sum(map(len, self._taken)) == min(objects, boxes):
            self._is_over = True
            return
        free_m, free_n = np.ones(objects, np.bool_), np.ones(boxes, np.bool_)
        free_m[self._m.take(pairs)] = free_n[self._n.take(pairs)] = False
        self._free &= free_m.take(self._m)
        self._free &= free_n.take(self._n)

    def pairs(self) -> tuple[IntArray, IntArray]:
        """Places of objects, and their boxes."""
        if not self._taken:
            return _NONE, _NONE
        taken = self._taken[0] if len(self._taken) == 1 else np.concatenate(self._taken)
        return self._m.take(taken), self._n.take(taken)
