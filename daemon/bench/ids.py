"""How well numbers stay with objects, where the truth is known: switches, IDF1, coverage. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
import numpy.typing as npt

from daemon.bench.worlds import LABELS, NOBODY, SIZE, Look
from daemon.tracking.matching import best_pairs
from daemon.tracking.tracker import Tracker
from daemon.tracking.tuning import Tuning

IntArray = npt.NDArray[np.int64]
Numbering = tuple[IntArray, IntArray]  # of one picture's boxes: whose each is, whose it was said

STRONG = 0.4


@dataclass(frozen=True, slots=True)
class Verdict:
    """`switches`: times an object's number changed. `idf1`: share of boxes that have the number
    which is their object's for most of its life, over both what is there and what was said.
    `coverage`: share of the objects' boxes with any number. `numbers` per object that there was.
    """

    switches: int
    idf1: float
    coverage: float
    numbers: float


def numbering(looks: Sequence[Look], tuning: Tuning | None = None) -> list[Numbering]:
    """What our tracker says, with hindsight for the pictures before an object was confirmed."""
    tracker = Tracker(LABELS, tuning or Tuning())
    steps = [
        tracker.update(look.found, look.found.score >= STRONG, look.at_s, size_wh=SIZE)
        for look in looks
    ]
    return [
        (look.truth, np.array([track.number if track else 0 for track in step.tracks], np.int64))
        for look, step in zip(looks, steps, strict=True)
    ]


def verdict(said: Sequence[Numbering]) -> Verdict:
    """Of one world; 0 is no number."""
    truth = np.concatenate([whose for whose, _ in said])
    number = np.concatenate([given for _, given in said])
    objects, numbers = np.unique(truth[truth != NOBODY]), np.unique(number[number > 0])
    both = (truth != NOBODY) & (number > 0)
    shared = np.zeros((len(objects), len(numbers)))
    at = np.searchsorted(objects, truth[both]), np.searchsorted(numbers, number[both])
    np.add.at(shared, at, 1)
    rows, columns = shared.nonzero()
    boxes = shared[rows, columns]
    pairs = list(zip(rows.tolist(), columns.tolist(), strict=True))
    kept = sum(compress(boxes.tolist(), best_pairs(pairs, boxes.tolist())))
    there, given = (truth != NOBODY).sum(), (number > 0).sum()
    return Verdict(
        _switches(said),
        float(2 * kept / max(there + given, 1)),
        float(both.sum() / max(there, 1)),
        len(numbers) / max(len(objects), 1),
    )


def _switches(said: Sequence[Numbering]) -> int:
    newest: dict[int, int] = {}
    switches = 0
    for whose, given in said:
        for one, number in zip(whose.tolist(), given.tolist(), strict=True):
            if one != NOBODY and number:
                switches += newest.get(one, number) != number
                newest[one] = number
    return switches
