"""Batches on a detector that may fail: out of memory it gets smaller ones, and who never answers
again is told apart from who failed once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from daemon.clock import Clock
from daemon.pipeline.batch import Batch
from detector.api import Detector, InferenceError
from detector.buckets import bucket_for
from detector.detections import Detections
from detector.letterbox import Letterbox

log = logging.getLogger(__name__)

# That many failures in a row, over at least that long, and it will not work again by itself.
GIVE_UP_BATCHES = 10
GIVE_UP_S = 2.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`answers` runs along the frames of the batch, each one for every row of the frame; all None
    where `error` is set. `failures` are the reasons of all runs that failed, the one of a
    successful second try included.
    """

    answers: Sequence[tuple[Detections, ...] | None]
    error: str | None
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Streak:
    """Batches in a row that got no answer."""

    length: int
    since_s: float
    newest: InferenceError


class DetectorRunner:
    """`run` belongs to the inference thread; any thread may ask the rest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._streak: _Streak | None = None
        self._limit: tuple[Detector | None, int] = (None, 0)

    def max_batch(self, detector: Detector) -> int:
        """Most rows that this detector is given at once: its largest bucket, or the one that its
        memory suffices for.
        """
        limited, most = self._limit
        return most if limited is detector else detector.buckets[-1]

    def failure(self) -> InferenceError | None:
        """Set once the detector has failed so long that only a new process may help."""
        streak = self._streak
        if streak is None or streak.length < GIVE_UP_BATCHES:
            return None
        if self._clock.now_s() - streak.since_s < GIVE_UP_S:
            return None
        times = f"{streak.length} times in a row, at last: {streak.newest.detail}"
        return InferenceError(streak.newest.reason, times)

    def run(self, batch: Batch) -> Outcome:
        """Ask once, and out of memory once more in smaller parts. Never raises."""
        if batch.detector is not self._limit[0]:
            self._limit = (None, 0)  # a detector that was replaced must not be kept in memory
        failures: list[InferenceError] = []
        # One batch may have been put together before the limit was known.
        most = min(batch.bucket, self.max_batch(batch.detector))
        answers = self._try(batch, most, failures)
        if answers is None and failures[0].reason == "oom" and most > 1:
            answers = self._try(batch, self._halve(batch.detector, most), failures)
        if answers is not None:
            self._worked()
            reasons = tuple(error.reason for error in failures)
            return Outcome(list(batch.of_frames(answers)), None, reasons)
        self._failed(failures[-1])
        reasons = tuple(error.reason for error in failures)
        return Outcome([None] * len(batch.frames), reasons[-1], reasons)

    def _halve(self, detector: Detector, most_before: int) -> int:
        most = max(size for size in detector.buckets if size <= most_before // 2)
        self._limit = (detector, most)
        log.warning(
            "out of memory, smaller batches from now on model=%s max_batch=%d was=%d",
            detector.name,
            most,
            most_before,
        )
        return most

    def _try(
        self, batch: Batch, most: int, failures: list[InferenceError]
    ) -> Sequence[Detections] | None:
        try:
            boxes = batch.letterboxes
            if most == batch.bucket:
                return _ask(batch.detector, batch.pixels, boxes)
            return _ask_in_parts(batch, boxes, most)
        except InferenceError as error:
            failures.append(error)
        except Exception as error:
            if self._streak is None:
                log.exception("detector raised")
            failures.append(InferenceError("runtime", type(error).__name__))
        return None

    def _failed(self, error: InferenceError) -> None:
        if self._streak is None:
            log.error("%s", error)
            self._streak = _Streak(1, self._clock.now_s(), error)
        else:
            self._streak = _Streak(self._streak.length + 1, self._streak.since_s, error)

    def _worked(self) -> None:
        if self._streak is not None:
            log.info("inference works again")
        self._streak = None


def _ask(
    detector: Detector, pixels: npt.NDArray[np.uint8], letterboxes: Sequence[Letterbox]
) -> Sequence[Detections]:
    answers = detector.detect(pixels, letterboxes)
    if len(answers) != len(letterboxes):
        msg = f"{len(answers)} answers for {len(letterboxes)} pictures"
        raise InferenceError("runtime", msg)
    return answers


def _ask_in_parts(batch: Batch, letterboxes: Sequence[Letterbox], most: int) -> list[Detections]:
    """Rows of one frame may come in different parts: they are put together again."""
    answers: list[Detections] = []
    for first in range(0, len(letterboxes), most):
        boxes = letterboxes[first : first + most]
        rows = range(first, first + bucket_for(len(boxes), batch.detector.buckets))
        pixels = batch.pixels.take(rows, axis=0, mode="clip")  # clip: any row will do as padding
        answers += _ask(batch.detector, pixels, boxes)
    return answers
