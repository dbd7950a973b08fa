"""Frames side by side in one array, as the detector takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from daemon.batching import Trigger
from daemon.frame import Frame
from detector.letterbox import InputSpec


@dataclass(frozen=True, slots=True)
class Batch:
    """`frames`, their pixels in the first rows of `pixels` uint8 [bucket, H, W, 3]; the rows behind
    them are padding. `taken_s` is when the frames left their slots.
    """

    frames: tuple[Frame, ...]
    pixels: npt.NDArray[np.uint8]
    trigger: Trigger
    taken_s: float

    @property
    def bucket(self) -> int:
        return int(self.pixels.shape[0])


class BatchAssembler:
    """Copies frames into one of two kept buffers in turn: one is filled while the other one runs.

    Used by the batching thread; the caller sees to it that a buffer is free before it is filled.
    """

    def __init__(self, spec: InputSpec, buckets: Sequence[int]) -> None:
        self._buckets = tuple(buckets)
        shape = (self._buckets[-1], spec.height, spec.width, 3)
        self._buffers = [np.zeros(shape, np.uint8) for _ in range(2)]

    def assemble(self, frames: Sequence[Frame], trigger: Trigger, taken_s: float) -> Batch:
        """Put 1 … max_batch frames into the other buffer."""
        buffer, self._buffers = self._buffers[0], self._buffers[::-1]
        for row, frame in zip(buffer, frames, strict=False):
            row[:] = frame.pixels
        return Batch(tuple(frames), buffer[: self.bucket_for(len(frames))], trigger, taken_s)

    def without(self, batch: Batch, unwanted: Sequence[Frame]) -> Batch:
        """The batch without some of its frames (they became stale), in the same buffer."""
        cameras = {frame.camera for frame in unwanted}
        rows = [row for row, frame in enumerate(batch.frames) if frame.camera not in cameras]
        for target, row in enumerate(rows):
            batch.pixels[target] = batch.pixels[row]
        frames = tuple(batch.frames[row] for row in rows)
        return Batch(
            frames, batch.pixels[: self.bucket_for(len(frames))], batch.trigger, batch.taken_s
        )

    def bucket_for(self, count: int) -> int:
        """The smallest traced batch size that holds `count` frames."""
        return next(bucket for bucket in self._buckets if bucket >= count)
