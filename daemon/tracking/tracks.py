"""The objects of one camera as parallel arrays. A row is an object's own as long as it lives."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.intp]

_FIRST_CAPACITY = 64

# Rows of the table, in which an object is a column: what is next to each other is computed at once.
BOX = slice(0, 4)  # centre, width, height, pixels: smoothed
PLACE, SIDES = slice(0, 2), slice(2, 4)
SPEED = slice(4, 6)  # pixels per second
SPREAD = slice(6, 9)  # see `motion`
SEEN_S, FIRST_S, REST_S = 9, 10, 11
REST = slice(12, 14)  # where it stands since REST_S
SEEN_BOX = slice(14, 18)  # x1, y1, x2, y2 as last seen
SEEN_SCORE, BEST_SCORE = 18, 19
UNSEEN_S = 20  # how long it was out of sight before it was last seen
_ROWS = 21


class Tracks:
    """Rows are taken and given back; arrays grow by doubling. One thread.

    A row that was given back keeps its values until the next ones are, so that whoever watches over
    objects can still read how one ended. What is named below of `table` is a view of it.
    """

    def __init__(self, labels: int) -> None:
        self.number = np.zeros(0, np.int64)  # 0 as long as it is not confirmed
        self.order = np.zeros(0, np.int64)  # as they began
        self.sightings = np.zeros(0, np.int64)
        self.label = np.zeros(0, np.int64)
        self.still = np.zeros(0, np.bool_)
        self.votes = np.zeros((0, labels))
        self.live = np.zeros(0, np.intp)  # rows in use, oldest object first
        self._spare: list[int] = []
        self._ended: list[int] = []  # given back last
        self._use(np.zeros((_ROWS, 0)))

    def _use(self, table: FloatArray) -> None:
        self.table = table
        self.box = table[BOX].T  # [capacity, 4]
        self.speed = table[SPEED].T
        self.seen_box = table[SEEN_BOX].T
        self.seen_score = table[SEEN_SCORE]
        self.best_score = table[BEST_SCORE]
        self.first_s = table[FIRST_S]
        self.seen_s = table[SEEN_S]
        self.rest_s = table[REST_S]
        self.unseen_s = table[UNSEEN_S]

    @property
    def capacity(self) -> int:
        """Rows there are; arrays that run beside these must be as long."""
        return len(self.number)

    def size(self, rows: IntArray) -> FloatArray:
        """Square root of the area [N], pixels."""
        width, height = self.table[SIDES, rows]
        return root_area(width, height)

    def take(self, count: int) -> IntArray:
        """So many unused rows, in use from now on; their values are those of whoever had them."""
        while len(self._spare) < count:
            self._grow()
        rows = np.array([self._spare.pop() for _ in range(count)], np.intp)
        self.live = np.concatenate([self.live, rows])
        return rows

    def release(self, gone: npt.NDArray[np.bool_]) -> IntArray:
        """Give back the rows of `live` where `gone`; returns them."""
        rows = self.live[gone]
        self.live = self.live[~gone]
        self._spare.extend(self._ended)
        self._ended = rows.tolist()
        return rows

    def _grow(self) -> None:
        before = self.capacity
        after = max(_FIRST_CAPACITY, 2 * before)
        for name in ("number", "order", "sightings", "label", "still", "votes"):
            column = getattr(self, name)
            longer = np.zeros((after, *column.shape[1:]), column.dtype)
            longer[:before] = column
            setattr(self, name, longer)
        table = np.zeros((_ROWS, after))
        table[:, :before] = self.table
        self._use(table)
        self._spare.extend(range(after - 1, before - 1, -1))


def root_area(width: FloatArray, height: FloatArray) -> FloatArray:
    """The size of objects [N]: square root of the area, no less than 1."""
    root: FloatArray = width * height
    np.maximum(root, 1.0, out=root)
    return np.sqrt(root, out=root)


def by_label(label: IntArray) -> list[tuple[int, int]]:
    """(label, number) of each label that is there, in order. Asked for every picture: `np.unique`
    would give the interpreter away, and wait for it ten times longer than it takes to count.
    """
    return sorted(Counter(label.tolist()).items())
