"""Several classes counted as one: is there a vehicle, whatever kind it is taken for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from detector.datasets.samples import Sample
from detector.detections import Detections

_MOST_OVERLAP = 0.5


def merge_sample(sample: Sample, members: Collection[int]) -> Sample:
    """The boxes of these classes, all of class 0."""
    keep = np.isin(sample.classes, list(members))
    return replace(
        sample,
        xyxy_px=sample.xyxy_px[keep],
        classes=np.zeros(keep.sum(), np.int32),
        ignored=sample.ignored[keep],
    )


def merge_detections(found: Detections, members: Collection[int]) -> Detections:
    """The detections of these classes as one list of class 0. The detector suppresses within a
    class only, so one object may be found as car and as truck: of boxes that overlap by more than
    half the best is kept, or the second would count as a false alarm.
    """
    keep = np.isin(found.class_id, list(members))
    xyxy_px, score = found.xyxy_px[keep], found.score[keep]
    left = np.argsort(-score, kind="stable")
    kept = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[_iou(xyxy_px[best], xyxy_px[left]) <= _MOST_OVERLAP]
    return Detections(xyxy_px[kept], score[kept], np.zeros(len(kept), np.int32))


def _iou(box: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of one box [4] with N others [N, 4]."""
    wh = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.clip(wh, 0, None).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - shared
    overlap: npt.NDArray[np.float32] = np.divide(
        shared, union, out=np.zeros_like(shared), where=union > 0
    )
    return overlap
