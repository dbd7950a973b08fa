"""The objects of one camera as parallel arrays. A row is an object's own as long as it lives."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.intp]

_FIRST_CAPACITY = 64


class Tracks:
    """Rows are taken and given back; arrays grow by doubling. One thread.

    A row that was given back keeps its values until the next ones are, so that whoever watches over
    objects can still read how one ended.
    """

    def __init__(self, labels: int) -> None:
        self.number = np.zeros(0, np.int64)  # 0 as long as it is not confirmed
        self.order = np.zeros(0, np.int64)  # as they began
        self.box = np.zeros((0, 4))  # centre, width, height, pixels: smoothed
        self.seen_box = np.zeros((0, 4))  # x1, y1, x2, y2 as last seen
        self.seen_score = np.zeros(0)
        self.best_score = np.zeros(0)
        self.speed = np.zeros((0, 2))  # pixels per second
        self.spread = np.zeros((0, 3))  # see `motion`
        self.first_s = np.zeros(0)
        self.seen_s = np.zeros(0)
        self.unseen_s = np.zeros(0)  # how long it was out of sight before it was last seen
        self.sightings = np.zeros(0, np.int64)
        self.label = np.zeros(0, np.int64)
        self.votes = np.zeros((0, labels))
        self.rest = np.zeros((0, 2))  # where it stands since `rest_s`
        self.rest_s = np.zeros(0)
        self.still = np.zeros(0, np.bool_)
        self.live = np.zeros(0, np.intp)  # rows in use, oldest object first
        self._spare: list[int] = []
        self._ended: list[int] = []  # given back last

    @property
    def capacity(self) -> int:
        """Rows there are; arrays that run beside these must be as long."""
        return len(self.number)

    def size(self, rows: IntArray) -> FloatArray:
        """Square root of the area [N], pixels."""
        box = self.box[rows]
        root: FloatArray = np.sqrt(np.maximum(box[:, 2] * box[:, 3], 1.0))
        return root

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
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray) and name != "live":
                longer = np.zeros((after, *column.shape[1:]), column.dtype)
                longer[:before] = column
                setattr(self, name, longer)
        self._spare.extend(range(after - 1, before - 1, -1))


def by_label(label: IntArray) -> list[tuple[int, int]]:
    """(label, number) of each label that is there, in order. Asked for every picture: `np.unique`
    would give the interpreter away, and wait for it ten times longer than it takes to count.
    """
    return sorted(Counter(label.tolist()).items())
