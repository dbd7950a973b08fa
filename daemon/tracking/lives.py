"""The life of every object as events tell it: new, updates that are worth one, end. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from daemon.tracking.happenings import Moment, Portrait
from daemon.tracking.places import lengthened
from daemon.tracking.tracks import Tracks

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

_NO_ROWS = np.zeros(0, np.intp)
UPDATE_S = 1.0  # between two updates of one object, at least
BETTER = 0.1  # of a score, to be worth an update
FINER = 0.02  # of a score, to be an object's best moment from now on: so that it changes seldom


class Lives:
    """What was first and best of each object, and what was told of it. Rows are the tracker's."""

    def __init__(self, tracks: Tracks, labels: tuple[str, ...]) -> None:
        self._tracks = tracks
        self._labels = labels
        self._first_ns = np.zeros(0, np.int64)
        self._first_score = np.zeros(0)
        self._first_box = np.zeros((0, 4))
        self._best_ns = np.zeros(0, np.int64)
        self._best_score = np.zeros(0)
        self._best_box = np.zeros((0, 4))
        self._told_s = np.zeros(0)
        self._told_label = np.zeros(0, np.int64)
        self._told_still = np.zeros(0, np.bool_)
        self._told_best = np.zeros(0)
        self._suspect = False  # whether anything may be worth an update

    def begin(self, rows: IntArray, at_ns: int) -> None:
        """These rows are new objects, just seen for the first time."""
        tracks = self._tracks
        if tracks.capacity > len(self._first_ns):
            for name, column in vars(self).items():
                if isinstance(column, np.ndarray):
                    setattr(self, name, lengthened(column, tracks.capacity))
        self._first_ns[rows] = at_ns
        self._first_score[rows] = tracks.seen_score[rows]
        self._first_box[rows] = tracks.seen_box[rows]
        self._best_score[rows] = -1.0

    def see(self, rows: IntArray, at_ns: int) -> None:
        """The objects in `rows` were seen."""
        better = rows[self._tracks.seen_score[rows] > self._best_score[rows] + FINER]
        if not len(better):
            return
        self._suspect = True
        self._best_ns[better] = at_ns
        self._best_score[better] = self._tracks.seen_score[better]
        self._best_box[better] = self._tracks.seen_box[better]

    def told(self, row: int, at_s: float) -> None:
        """An event about the object goes out: it says how it is now."""
        self._told_s[row] = at_s
        self._told_label[row] = self._tracks.label[row]
        self._told_still[row] = self._tracks.still[row]
        self._told_best[row] = self._best_score[row]

    def suspect(self) -> None:
        """Some object's label or rest is another one than before."""
        self._suspect = True

    def changed(self, at_s: float) -> IntArray:
        """Rows of confirmed objects that were seen just now and are worth an update."""
        if not self._suspect:
            return _NO_ROWS
        tracks = self._tracks
        rows = tracks.live[tracks.number[tracks.live] > 0]
        changed = (
            (tracks.label[rows] != self._told_label[rows])
            | (tracks.still[rows] != self._told_still[rows])
            | (self._best_score[rows] >= self._told_best[rows] + BETTER)
        )
        self._suspect = bool(changed.any())
        if not self._suspect:
            return _NO_ROWS
        changed &= (at_s - self._told_s[rows] >= UPDATE_S) & (tracks.seen_s[rows] == at_s)
        due: IntArray = rows[changed]
        return due

    def best_ns(self, rows: IntArray) -> list[int]:
        """Wall clock of the best moment so far of each [N]."""
        found: list[int] = self._best_ns[rows].tolist()
        return found

    def first_ns(self, row: int) -> int:
        return int(self._first_ns[row])

    def portrait(self, row: int, zones: tuple[str, ...]) -> Portrait:
        """The object as it is, and was."""
        tracks = self._tracks
        return Portrait(
            track=int(tracks.number[row]),
            label=self._labels[tracks.label[row]],
            score=float(tracks.seen_score[row]),
            box=_box(tracks.seen_box[row]),
            first=_moment(self._first_ns[row], self._first_score[row], self._first_box[row]),
            best=_moment(self._best_ns[row], self._best_score[row], self._best_box[row]),
            zones=zones,
            stationary=bool(tracks.still[row]),
        )


def _box(xyxy: FloatArray) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = xyxy.tolist()
    return x1, y1, x2, y2


def _moment(captured_ns: np.int64, score: np.floating[Any], xyxy: FloatArray) -> Moment:
    return Moment(int(captured_ns), float(score), _box(xyxy))
