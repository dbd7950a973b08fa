"""The detector that the daemon talks to: batches of letterboxed pictures in, detections out.

Which engine computes is none of its business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.api import InferenceError
from detector.boxes.candidates import Kept
from detector.detections import Detections
from detector.engine import Engine
from detector.letterbox import InputSpec, Letterbox


@dataclass(frozen=True, slots=True)
class BatchedDetector:
    """`detector.api.Detector` over an `Engine`; warm it up before the first `detect`."""

    engine: Engine
    name: str
    precision: str
    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    weights_sha256: str
    input_spec: InputSpec
    buckets: tuple[int, ...]

    @property
    def trace_count(self) -> int:
        """What the engine compiled so far; using the detector never adds to it."""
        return self.engine.trace_count

    def warm_up(self, progress: Callable[[int], None] | None = None) -> None:
        """Run every bucket once; `progress` is given each. Raises InferenceError."""
        spec = self.input_spec
        for bucket in self.buckets:
            self.detect(np.zeros((bucket, spec.height, spec.width, 3), np.uint8), [])
            if progress is not None:
                progress(bucket)

    def detect(
        self, pixels: npt.NDArray[np.uint8], letterboxes: Sequence[Letterbox]
    ) -> list[Detections]:
        """Answers for the first `len(letterboxes)` pictures of `pixels` [bucket, H, W, 3];
        the rest is padding and is ignored. Raises InferenceError, ValueError for another shape.
        """
        if pixels.shape[0] not in self.buckets or len(letterboxes) > pixels.shape[0]:
            msg = f"{len(letterboxes)} pictures in a batch of {pixels.shape[0]} fit no bucket"
            raise ValueError(msg)
        content = np.zeros((pixels.shape[0], 4), np.int32)
        for row, box in zip(content, letterboxes, strict=False):
            row[:] = box.content_xyxy
        kept = self.engine.run(pixels, content)
        if not _finite(kept):
            raise InferenceError(
                "runtime", f"{self.name} gives numbers that are not finite in {self.precision}"
            )
        return [
            _answer(letterbox, xyxy[:count], score[:count], class_id[:count])
            for letterbox, xyxy, score, class_id, count in zip(letterboxes, *kept, strict=False)
        ]


def _finite(kept: Kept) -> bool:
    rows = np.isfinite(kept.score) & np.isfinite(kept.xyxy).all(axis=-1)
    meaningless = np.arange(rows.shape[1]) >= kept.count[:, None]
    return bool((rows | meaningless).all())


def _answer(
    letterbox: Letterbox,
    xyxy: npt.NDArray[np.float32],
    score: npt.NDArray[np.float32],
    class_id: npt.NDArray[np.int32],
) -> Detections:
    """Without boxes that lie wholly outside the picture, of which clipping leaves no area."""
    found = Detections(letterbox.to_source(xyxy), score, class_id)
    x1, y1, x2, y2 = found.xyxy_px.T
    return found.where((x1 < x2) & (y1 < y2))
