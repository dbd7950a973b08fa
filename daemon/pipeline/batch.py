"""Frames side by side in one array, as the detector takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from daemon.pipeline.frame import Frame
from daemon.pipeline.policy import Trigger
from detector.api import Detector
from detector.buckets import bucket_for, side_by_side
from detector.letterbox import Letterbox

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """`frames`, all their rows in the first rows of `pixels` uint8 [bucket, H, W, 3], frame by
    frame; the rows behind them are padding. `detector` is the one they were put together for,
    `taken_s` when the frames left their slots.
    """

    detector: Detector
    frames: tuple[Frame, ...]
    pixels: npt.NDArray[np.uint8]
    trigger: Trigger
    taken_s: float

    @property
    def bucket(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def letterboxes(self) -> list[Letterbox]:
        """Of every row that is not padding."""
        return [row.letterbox for frame in self.frames for row in frame.rows]

    def of_frames(self, answers: Sequence[T]) -> Iterator[tuple[T, ...]]:
        """What was answered for every row, frame by frame."""
        first = 0
        for frame in self.frames:
            yield tuple(answers[first : first + len(frame.rows)])
            first += len(frame.rows)

    def without(self, unwanted: Sequence[Frame]) -> Batch:
        """The batch without some of its frames (they became stale), in the same buffer."""
        seats = {frame.seat for frame in unwanted}
        owners = [frame.seat for frame in self.frames for _ in frame.rows]
        rows = [row for row, seat in enumerate(owners) if seat not in seats]
        for target, row in enumerate(rows):
            self.pixels[target] = self.pixels[row]
        frames = tuple(frame for frame in self.frames if frame.seat not in seats)
        bucket = bucket_for(len(rows), self.detector.buckets)
        return replace(self, frames=frames, pixels=self.pixels[:bucket])


class BatchAssembler:
    """Copies frames into one of two kept buffers in turn: one is filled while the other one runs.
    Frames must be scaled for the detector's input.

    Used by the batching thread; the caller sees to it that a buffer is free before it is filled.
    """

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        spec = detector.input_spec
        shape = (detector.buckets[-1], spec.height, spec.width, 3)
        self._buffers = [np.zeros(shape, np.uint8) for _ in range(2)]

    def assemble(self, frames: Sequence[Frame], trigger: Trigger, taken_s: float) -> Batch:
        """Put frames with 1 … max_batch rows in all into the other buffer."""
        buffer, self._buffers = self._buffers[0], self._buffers[::-1]
        detector = self.detector
        pictures = [row.pixels for frame in frames for row in frame.rows]
        pixels = side_by_side(pictures, detector.input_spec, detector.buckets, buffer)
        return Batch(detector, tuple(frames), pixels, trigger, taken_s)
