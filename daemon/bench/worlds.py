"""Invented streets whose truth is known exactly: who is where at any time, and what a detector that
misses, shakes, doubles and invents boxes makes of it. For measuring trackers.

Pure; every number follows from the seed. Pictures are `SIZE` pixels; people get larger towards the
lower edge, as before a camera on a pole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from daemon.tracking.boxes import coverage
from detector.detections import Detections

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SIZE = (1280, 720)
LABELS = ("person", "car", "truck")
NOBODY = -1  # the truth of a box that the detector invented, or made a second time


@dataclass(frozen=True, slots=True)
class Habits:
    """How the detector and the camera behave."""

    fps: float = 10.0
    jitter: float = 0.3  # of an interval, either way
    misses: float = 0.12  # share of boxes that do not come though the object is plain to see
    shake: float = 0.035  # of box sides, standard deviation of each edge
    inventions: float = 0.15  # boxes per picture of what is not there
    doubles: float = 0.03  # share of objects that get a second, worse box


@dataclass(frozen=True, slots=True)
class Look:
    """One picture: when, what the detector says, and whose each box is."""

    at_s: float
    found: Detections
    truth: IntArray  # [N] number of the object, or NOBODY
    present: IntArray  # numbers of all objects in the picture, seen or hidden


@dataclass(frozen=True, slots=True)
class Objects:
    """All that ever pass. Each goes from `start` to `end` (feet, pixels) with one halt."""

    start: FloatArray  # [K, 2]
    end: FloatArray
    enters_s: FloatArray  # [K]
    takes_s: FloatArray  # without the halt
    halt_at: FloatArray  # share of the way
    halt_s: FloatArray
    sway: FloatArray  # pixels to the side of the way
    phase: FloatArray
    label: IntArray

    def feet(self, at_s: float) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Where each stands [K, 2], and who is in the picture."""
        since_s = at_s - self.enters_s
        halts_s = self.halt_at * self.takes_s
        walked_s = np.where(since_s < halts_s, since_s, np.maximum(halts_s, since_s - self.halt_s))
        share = walked_s / self.takes_s
        way = self.end - self.start
        side = np.stack([-way[:, 1], way[:, 0]], axis=1)
        side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
        sway = (self.sway * np.sin(share * 9 + self.phase))[:, None]
        return self.start + share[:, None] * way + sway * side, (share >= 0) & (share <= 1)

    def boxes(self, at_s: float) -> tuple[FloatArray, IntArray]:
        """Boxes [P, 4] of those present, and their numbers [P]."""
        feet, present = self.feet(at_s)
        numbers = np.flatnonzero(present)
        feet = feet[numbers]
        height = _height(feet[:, 1]) * np.where(self.label[numbers] == 0, 1.0, 0.8)
        width = height * np.where(self.label[numbers] == 0, 0.38, 2.2)
        top_left = feet - np.stack([width / 2, height], axis=1)
        boxes = np.concatenate([top_left, feet + np.stack([width / 2, 0 * height], axis=1)], axis=1)
        inside = (boxes[:, 2] > 8) & (boxes[:, 0] < SIZE[0] - 8) & (boxes[:, 1] < SIZE[1] - 8)
        return boxes[inside], numbers[inside]


def _height(y_px: FloatArray) -> FloatArray:
    return np.asarray(50 + 0.18 * y_px)


def street(seed: int, *, seconds: float = 60.0, people: float = 12.0, cars: float = 2.0) -> Objects:
    """About so many at a time, for so long; some walk in pairs, some stand for a while."""
    rng = np.random.default_rng(seed)
    walks = int(people * seconds / 15)
    drives = int(cars * seconds / 6)
    count = walks + drives
    label = np.array([0] * walks + [1] * drives)
    left = rng.random(count) < 0.5
    edge = np.where(left, -40.0, SIZE[0] + 40.0)
    y_px = np.where(label == 0, rng.uniform(220, 700, count), rng.uniform(330, 420, count))
    target = np.where(label == 0, np.clip(y_px + rng.normal(0, 130, count), 200, 710), y_px)
    start = np.stack([edge, y_px], axis=1)
    end = np.stack([SIZE[0] - edge, target], axis=1)
    across = (label == 0) & (rng.random(count) < 0.25)  # some come towards the camera
    start[across, 0] = end[across, 0] = rng.uniform(150, 1130, int(across.sum()))
    end[across, 0] += rng.normal(0, 150, int(across.sum()))
    start[across, 1], end[across, 1] = 210, 719
    speed = np.where(label == 0, rng.uniform(0.6, 1.0, count), rng.uniform(2.0, 4.0, count))
    length = np.linalg.norm(end - start, axis=1)
    takes_s = length / (speed * _height((start[:, 1] + end[:, 1]) / 2))
    enters_s = rng.uniform(-12, seconds, count)
    halts = rng.random(count) < np.where(label == 0, 0.2, 0.1)
    pairs = np.flatnonzero((label[1:] == 0) & (rng.random(count - 1) < 0.2)) + 1
    for array in (start, end, enters_s, takes_s):  # who walks beside the one before
        array[pairs] = array[pairs - 1]
    start[pairs] += (22, 10)
    end[pairs] += (22, 10)
    return Objects(
        start, end, enters_s, takes_s,
        halt_at=rng.uniform(0.2, 0.8, count),
        halt_s=np.where(halts, rng.uniform(2, 12, count), 0.0),
        sway=np.where(label == 0, rng.uniform(0, 12, count), 0.0),
        phase=rng.uniform(0, 6, count),
        label=label,
    )  # fmt: skip


POLES = np.array([[420.0, 0.0, 452.0, 560.0], [860.0, 0.0, 886.0, 640.0]])


def watched(
    objects: Objects, habits: Habits, seed: int, *, seconds: float = 60.0, poles: bool = True
) -> Iterator[Look]:
    """What the detector answers, picture by picture."""
    rng = np.random.default_rng(seed + 1)
    at_s = 0.0
    while at_s < seconds:
        boxes, numbers = objects.boxes(at_s)
        seen = _visible(boxes, POLES if poles else POLES[:0])
        yield _look(at_s, boxes, numbers, objects.label[numbers], seen, habits, rng)
        at_s += (1 + habits.jitter * rng.uniform(-1, 1)) / habits.fps


def _visible(boxes: FloatArray, poles: FloatArray) -> FloatArray:
    """The share of each box that nothing nearer hides [P]; who stands lower is nearer."""
    if not len(boxes):
        return np.zeros(0)
    nearer = boxes[None, :, 3] > boxes[:, None, 3]
    hidden = np.where(nearer, coverage(boxes, boxes), 0.0).max(axis=1)
    behind = coverage(boxes, poles).max(axis=1, initial=0.0) if len(poles) else 0.0
    return np.asarray(1 - np.maximum(hidden, np.where(boxes[:, 3] < 600, behind, 0.0)))


def _look(
    at_s: float,
    boxes: FloatArray,
    numbers: IntArray,
    labels: IntArray,
    seen: FloatArray,
    habits: Habits,
    rng: np.random.Generator,
) -> Look:
    count = len(boxes)
    comes = (seen > 0.35) & (rng.random(count) >= habits.misses)
    score = np.clip(rng.normal(0.78, 0.1, count) - 0.55 * (1 - seen), 0.1, 0.99)
    score[rng.random(count) < 0.06] *= 0.4
    label = np.where((labels == 1) & (rng.random(count) < 0.2), 2, labels)  # a car called a truck
    side = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    shaken = boxes + rng.normal(0, habits.shake, (count, 4)) * side
    twice = comes & (rng.random(count) < habits.doubles)
    doubled = boxes + rng.normal(0, 0.12, (count, 4)) * side
    invented = rng.poisson(habits.inventions)
    places = rng.uniform((0, 150), (SIZE[0], 650), (invented, 2))
    sizes = rng.uniform((20, 60), (60, 160), (invented, 2))
    all_boxes = np.concatenate([
        shaken[comes], doubled[twice], np.concatenate([places, places + sizes], axis=1)
    ])  # fmt: skip
    all_scores = np.concatenate([
        score[comes], score[twice] * 0.7, rng.uniform(0.1, 0.55, invented)
    ])  # fmt: skip
    all_labels = np.concatenate([label[comes], label[twice], np.zeros(invented, np.int64)])
    truth = np.concatenate([numbers[comes], np.full(int(twice.sum()) + invented, NOBODY)])
    order = np.argsort(-all_scores)
    upper = np.array([*SIZE, *SIZE])
    found = Detections(
        np.clip(all_boxes[order], 0, upper).astype(np.float32),
        all_scores[order].astype(np.float32),
        all_labels[order].astype(np.int32),
    )
    return Look(at_s, found, truth[order], numbers)
