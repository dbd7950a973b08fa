"""Precision and recall at IoU 0.5 as the score threshold falls, and the threshold to show by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.datasets.samples import Sample
from detector.detections import Detections
from detector.evaluation.scoring import Verdict

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Of one class: what a threshold of `score` [D] would give, best score first."""

    score: Floats
    precision: Floats
    recall: Floats


@dataclass(frozen=True, slots=True)
class Best:
    """The threshold with the best balance of precision and recall."""

    f1: float
    threshold: float


def curve(
    number: int,
    samples: Sequence[Sample],
    found: Sequence[Detections],
    verdicts: Sequence[Verdict],
) -> Curve:
    """Of the class `number`; empty where there is nothing to find, or nothing was found."""
    boxes = sum(int(((s.classes == number) & ~s.ignored).sum()) for s in samples)
    counted = [(f.class_id == number) & ~v.neutral for f, v in zip(found, verdicts, strict=True)]
    score = np.concatenate([f.score[use] for f, use in zip(found, counted, strict=True)])
    right = np.concatenate([v.right[use] for v, use in zip(verdicts, counted, strict=True)])
    if not boxes:
        score = right = np.zeros(0)
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(right[order], dtype=np.float64)
    return Curve(
        score[order].astype(np.float64), hits / np.arange(1, len(hits) + 1), hits / max(boxes, 1)
    )


def best_f1(of: Curve) -> Best | None:
    """None where nothing was ever found."""
    both = of.precision + of.recall
    f1 = np.divide(2 * of.precision * of.recall, both, out=np.zeros_like(both), where=both > 0)
    if not f1.any():
        return None
    at = int(f1.argmax())
    return Best(float(f1[at]), float(of.score[at]))
