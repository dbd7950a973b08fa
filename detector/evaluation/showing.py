"""What a viewer is shown at the thresholds that hold by default, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.datasets.samples import Sample
from detector.detections import Detections
from detector.evaluation.scoring import Verdict

_HALF, _LOOSE = 0.5, 0.3  # overlaps

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shown:
    """Counts over all pictures.

    A `pair` is two boxes of one label or group that overlap by more than half. Boxes that found
    nothing are `second` ones where they overlap an object of their label or group by half, which a
    better box has found, and `loose` where they overlap one by 0.3. `alarms` are boxes in `empty`
    pictures, those in which nothing is labelled at all.
    """

    pictures: int
    objects: int
    boxes: int
    right: int
    pairs: int
    second: int
    loose: int
    empty: int
    alarms: int


def shown(
    samples: Sequence[Sample],
    found: Sequence[Detections],
    verdicts: Sequence[Verdict],
    *,
    thresholds: Sequence[float],
    groups: Collection[Collection[int]] = (),
) -> Shown:
    """With `thresholds` by class id, and `groups` of class ids that are names for one object."""
    kinds = np.arange(len(thresholds))
    for group in groups:
        kinds[list(group)] = min(group)
    counts = np.sum(
        [
            _of_picture(*each, np.asarray(thresholds), kinds)
            for each in zip(samples, found, verdicts, strict=True)
        ],
        axis=0,
    )
    return Shown(len(samples), *(int(count) for count in counts))


def _of_picture(
    sample: Sample,
    found: Detections,
    verdict: Verdict,
    thresholds: npt.NDArray[np.float64],
    kinds: npt.NDArray[np.int64],
) -> tuple[int, ...]:
    rows = np.flatnonzero(found.score >= thresholds[found.class_id])
    boxes, kind = found.xyxy_px[rows], kinds[found.class_id[rows]]
    real = ~sample.ignored
    true, true_kind = sample.xyxy_px[real], kinds[sample.classes[real]]
    twice = (_overlaps(boxes, boxes) > _HALF) & (kind[:, None] == kind)
    near = np.where(kind[:, None] == true_kind, _overlaps(boxes, true), 0.0)
    best = near.max(axis=1, initial=0.0)
    wrong: Mask = ~verdict.right[rows] & ~verdict.neutral[rows]
    empty = not len(sample.classes)
    return (
        len(true),
        len(rows),
        int(verdict.right[rows].sum()),
        int(np.triu(twice, 1).sum()),
        int((wrong & (best >= _HALF)).sum()),
        int((wrong & (best >= _LOOSE) & (best < _HALF)).sum()),
        int(empty),
        len(rows) if empty else 0,
    )


def _overlaps(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """IoU [N, M] of boxes [N, 4] and [M, 4]."""
    low, high = np.maximum(a[:, None, :2], b[:, :2]), np.minimum(a[:, None, 2:], b[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=-1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1] - shared
    result: npt.NDArray[np.float32] = np.divide(
        shared, union, out=np.zeros_like(shared), where=union > 0
    )
    return result
