"""Which boxes are reported: thresholds, and how a box gives way to a better one.

TensorFlow is loaded only where a graph is traced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from detector.boxes.candidates import Candidates, Kept

Nms = Literal["grouped", "hard", "agnostic", "soft", "soft-agnostic"]


@dataclass(frozen=True, slots=True)
class Selection:
    """`candidates` per picture enter suppression, best first. Those below their threshold leave
    before boxes are compared, so that none gives way to a box that is not reported.

    `score_threshold` is one for all classes, or one for each class id. `nms` says what happens to a
    box that overlaps a better one: `grouped` and `hard` drop it beyond `iou_threshold`, `soft`
    lowers its score the more they overlap and drops it below its threshold. `hard` and `soft`
    compare boxes of one class, `agnostic` forms those of different classes too, and `grouped` those
    whose classes have one number in `groups`, which is by class id; without numbers it is `hard`.
    """

    score_threshold: float | tuple[float, ...]
    iou_threshold: float
    max_detections: int
    candidates: int = 1024
    nms: Nms = "hard"
    sigma: float = 0.5
    groups: tuple[int, ...] = ()

    def __call__(self, found: Candidates, *, fixed_shapes: bool) -> Kept:
        """Called while a graph is traced; `fixed_shapes` is what XLA needs."""
        from detector.boxes.nms import suppress
        from detector.boxes.soft_nms import suppress_softly

        across_classes = self.nms.endswith("agnostic")
        if self.nms.startswith("soft"):
            return suppress_softly(
                found,
                score_threshold=self.score_threshold,
                sigma=self.sigma,
                max_detections=self.max_detections,
                across_classes=across_classes,
            )
        return suppress(
            found,
            score_threshold=self.score_threshold,
            iou_threshold=self.iou_threshold,
            max_detections=self.max_detections,
            across_classes=across_classes,
            groups=self.groups if self.nms == "grouped" else (),
            fixed_shapes=fixed_shapes,
        )
