"""Which detector is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from detector.boxes.selection import Nms, Selection
from detector.weights.description import Description


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
    score_threshold: float | None = None  # of every label; the weights' own by default
    min_scores: Mapping[str, float] = field(default_factory=dict)  # labels that go lower
    weak: float = 1.0  # of these scores: boxes that are reported to who follows objects
    iou_threshold: float
    nms: Nms = "grouped"  # see `selection`
    max_detections: int
    max_batch: int
    threads: int | None = None  # inside an operation; by default what runs fastest

    def selection(self, of: Description) -> Selection:
        """Which boxes are reported with these weights."""
        usual = zip(of.labels, of.scores_from(self.score_threshold), strict=True)
        lowest = tuple(
            self.weak * min(score, self.min_scores.get(label, score)) for label, score in usual
        )
        return Selection(
            lowest[0] if len(set(lowest)) == 1 else lowest,
            self.iou_threshold,
            self.max_detections,
            nms=self.nms,
            groups=of.group_numbers(),
        )
