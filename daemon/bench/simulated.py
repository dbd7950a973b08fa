"""A detector that only takes time: what the pipeline around it costs can be measured alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from detector.buckets import buckets_up_to
from detector.detections import Detections
from detector.letterbox import InputSpec, Letterbox

OBJECTS = 3  # answered for every picture, so that messages have a realistic size


class SimulatedDetector:
    """Takes `batch_ms + image_ms · bucket` per batch, asleep: like a real one it frees the GIL."""

    name = "simulated"
    precision = "float32"
    labels = ("person", "car")
    thresholds = (0.4, 0.4)
    weights_sha256 = "0" * 64
    trace_count = 0

    def __init__(
        self, *, batch_ms: float, image_ms: float, max_batch: int, input_size: int
    ) -> None:
        self._batch_s = batch_ms / 1e3
        self._image_s = image_ms / 1e3
        self.cpu_s = 0.0  # spent in `detect`, by its caller's thread
        self.buckets = buckets_up_to(max_batch)
        self.input_spec = InputSpec(input_size, input_size)
        side = input_size / 4
        self._boxes = np.array(
            [[n * side, 0, (n + 1) * side, side] for n in range(OBJECTS)], np.float32
        )
        self._scores = np.linspace(0.9, 0.6, OBJECTS, dtype=np.float32)
        self._classes = np.arange(OBJECTS, dtype=np.int32) % len(self.labels)

    def warm_up(self, progress: Callable[[int], None] | None = None) -> None:
        for bucket in self.buckets:
            if progress:
                progress(bucket)

    def detect(
        self, pixels: npt.NDArray[np.uint8], letterboxes: Sequence[Letterbox]
    ) -> list[Detections]:
        started_s = time.thread_time()
        time.sleep(self._batch_s + self._image_s * pixels.shape[0])
        answers = [
            Detections(letterbox.to_source(self._boxes), self._scores, self._classes)
            for letterbox in letterboxes
        ]
        self.cpu_s += time.thread_time() - started_s
        return answers
