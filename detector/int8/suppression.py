"""Suppression as `boxes.nms` and `boxes.soft_nms` have it, for one picture in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from detector.boxes.candidates import Candidates
from detector.boxes.selection import Selection

Floats = npt.NDArray[np.float32]
_BLOCK = 128  # candidates that are compared at a time


def select(found: Candidates, selection: Selection) -> Candidates:
    """What survives of candidates [K] that come best first."""
    threshold = _by_class(selection.score_threshold, found.class_id)
    found = Candidates(*(values[found.score >= threshold] for values in found))
    if selection.nms.startswith("soft"):
        return _softly(found, selection)
    rows = _hard(found.xyxy, _groups(found.class_id, selection), selection)
    return Candidates(*(values[rows] for values in found))


def iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union of xyxy boxes [..., 4], broadcast; 0 where a box has no area."""
    with np.errstate(invalid="ignore", over="ignore"):
        width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
        height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
        shared = np.maximum(width, np.float32(0)) * np.maximum(height, np.float32(0))
        union = _area(a) + _area(b) - shared
        out = np.zeros_like(shared)
        return np.asarray(np.divide(shared, union, out=out, where=union != 0), np.float32)


def _area(box: Floats) -> Floats:
    return np.asarray((box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]), np.float32)


def _by_class(
    values: float | tuple[float, ...] | tuple[int, ...], class_id: npt.NDArray[np.int32]
) -> npt.NDArray[Any]:
    """What holds for each candidate: its class's value, or the one for all."""
    if not isinstance(values, tuple):
        return np.full(class_id.shape, values, np.float32)
    table = np.array(values, np.float32 if isinstance(values[0], float) else np.int32)
    return table[class_id]


def _groups(class_id: npt.NDArray[np.int32], selection: Selection) -> npt.NDArray[Any]:
    """Numbers that are equal where boxes may suppress one another."""
    if selection.nms == "agnostic":
        return np.zeros_like(class_id)
    if selection.nms == "grouped" and selection.groups:
        return _by_class(selection.groups, class_id)
    return class_id


def _hard(xyxy: Floats, group: npt.NDArray[Any], selection: Selection) -> npt.NDArray[np.intp]:
    """Rows that are kept. Blocks of candidates are compared with what is kept before them and with
    one another, until there is enough: nearly always that is the first block.
    """

    def rivals(a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        overlap = iou(xyxy[a][:, None], xyxy[b]) > selection.iou_threshold
        return np.asarray(overlap & (group[a][:, None] == group[b]))

    kept = np.zeros(0, np.intp)
    for start in range(0, len(xyxy), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(xyxy)))
        if len(kept):
            block = block[~rivals(block, kept).any(axis=1)]
        kept = np.concatenate([kept, block[_greedy(np.tril(rivals(block, block), -1))]])
        if len(kept) >= selection.max_detections:
            break
    return kept[: selection.max_detections]


def _greedy(rivals: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """See `boxes.nms`: deciding all from the last guess settles at least the next one."""
    kept: npt.NDArray[np.bool_] = np.ones(len(rivals), np.bool_)
    while True:
        decided = np.logical_not((rivals & kept).any(axis=1))
        if (decided == kept).all():
            return kept
        kept = decided


def _softly(found: Candidates, selection: Selection) -> Candidates:
    threshold = _by_class(selection.score_threshold, found.class_id)
    left = found.score.copy()
    rows: list[int] = []
    scores: list[np.float32] = []
    while len(rows) < min(selection.max_detections, len(left)):
        best = int(np.argmax(left))
        if left[best] < 0:
            break
        rows.append(best)
        scores.append(left[best])
        overlap = iou(found.xyxy[best], found.xyxy)
        fading = np.exp(-np.square(overlap) / np.float32(selection.sigma))
        if selection.nms != "soft-agnostic":
            fading[found.class_id != found.class_id[best]] = 1
        left *= fading
        left[left < threshold] = -1
        left[best] = -1
    return Candidates(found.xyxy[rows], np.array(scores, np.float32), found.class_id[rows])
