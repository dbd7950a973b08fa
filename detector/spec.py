"""Which detector is wanted. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detector.boxes.selection import Nms, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSpec:
    """Everything that decides what `build_detector` makes; the bounds are those of the
    configuration, which whoever asks has checked.
    """

    name: str  # of the architecture, as in `efficientdet-lite0`
    weights: str | Path = "bundled"  # `bundled`, the name of fetched ones, or a path
    sha256: str | None = None  # of the weights file, where it is held to one
    input_size: int | None = None  # a multiple of 32; the weights' own by default
    precision: str = "auto"
    score_threshold: float
    iou_threshold: float
    nms: Nms = "hard"  # see `selection`
    max_detections: int
    max_batch: int
    threads: int | None = None  # inside an operation; by default what runs fastest

    @property
    def selection(self) -> Selection:
        """Which boxes are reported."""
        return Selection(
            self.score_threshold, self.iou_threshold, self.max_detections, nms=self.nms
        )
