"""How far two engines agree on pictures that nobody labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detector.api import Detector
from detector.detections import Detections
from detector.int8.suppression import iou
from detector.letterbox import Letterbox
from detector.pictures import Pixels

_SEEN = 0.3  # boxes of the exact one that count
SHOWN = 0.2  # least score of boxes that are compared


def agreement(exact: Sequence[Detections], others: Sequence[Detections]) -> float:
    """0 to 1: the mean, over all boxes of `exact` that count, of the overlap with the best box of
    the same class in the same picture; 1 without any.
    """
    overlaps: list[float] = []
    for true, found in zip(exact, others, strict=True):
        counted = true.score >= _SEEN
        overlap = iou(true.xyxy_px[counted, None], found.xyxy_px)
        overlap *= true.class_id[counted, None] == found.class_id
        overlaps += overlap.max(axis=1, initial=0.0).tolist()
    return float(np.mean(overlaps)) if overlaps else 1.0


def answers_of(
    detector: Detector, pictures: Sequence[tuple[Pixels, Letterbox]]
) -> list[Detections]:
    """In batches as large as the detector takes. Raises InferenceError."""
    most = detector.buckets[-1]
    found: list[Detections] = []
    for start in range(0, len(pictures), most):
        chunk = pictures[start : start + most]
        bucket = next(size for size in detector.buckets if size >= len(chunk))
        pixels = np.zeros((bucket, *chunk[0][0].shape), np.uint8)
        for row, (picture, _) in zip(pixels, chunk, strict=False):
            row[:] = picture
        found += detector.detect(pixels, [letterbox for _, letterbox in chunk])
    return found
