"""COCO's average precision, by pycocotools, and which boxes were right at IoU 0.5."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.datasets.samples import Sample
from detector.detections import Detections

_MOST_DETECTIONS = 100  # per picture and class, as in COCO
_AT_50, _AT_75 = 0, 5  # among the overlaps 0.50, 0.55 … 0.95
_EDGES = (0, 8, 16, 32, 64, 128, 256)  # of heights, in pixels of the network's input
_HEIGHTS = {
    f"{low}-{high}" if high < math.inf else f"{low}-": (float(low), float(high))
    for low, high in zip(_EDGES, (*_EDGES[1:], math.inf), strict=True)
}
_ALL, _SMALL, _MEDIUM, _LARGE = range(4)  # areas: any, below 32², below 96², above; source pixels


@dataclass(frozen=True, slots=True)
class ClassScore:
    """`boxes` counts what is to be found; without any there is no precision."""

    boxes: int
    ap: float | None
    ap50: float | None


@dataclass(frozen=True, slots=True)
class HeightScore:
    """`boxes` of any class that are of this height."""

    boxes: int
    ap: float | None
    ap50: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One picture at IoU 0.5. `found_at` [N]: score of the detection that found a true box, 0 where
    none did. Detections [D] are `right`, or `neutral` (in an ignored region), or false alarms.
    """

    found_at: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    neutral: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scores:
    """Averages over the classes that have boxes, None where there is nothing to average."""

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    classes: dict[str, ClassScore]
    verdicts: tuple[Verdict, ...]  # as the samples


def score(labels: Sequence[str], samples: Sequence[Sample], found: Sequence[Detections]) -> Scores:
    """Compare what was found with what is there, picture by picture; class ids index `labels`.

    Ignored boxes are crowds to COCO: a detection in one counts neither way. Areas are those of the
    boxes, as there are no outlines.
    """
    coco = _compared(
        labels, [_truths(sample) for sample in samples], [_guesses(each) for each in found]
    )
    precision = coco.eval["precision"][..., 0]  # [overlap, recall, class, area]
    return Scores(
        ap=_mean(precision[..., _ALL]),
        ap50=_mean(precision[_AT_50, ..., _ALL]),
        ap75=_mean(precision[_AT_75, ..., _ALL]),
        ap_small=_mean(precision[..., _SMALL]),
        ap_medium=_mean(precision[..., _MEDIUM]),
        ap_large=_mean(precision[..., _LARGE]),
        classes={
            label: ClassScore(
                boxes=sum(int(((s.classes == number) & ~s.ignored).sum()) for s in samples),
                ap=_mean(precision[:, :, number, _ALL]),
                ap50=_mean(precision[_AT_50, :, number, _ALL]),
            )
            for number, label in enumerate(labels)
        },
        verdicts=_verdicts(coco, samples, found),
    )


def score_by_height(
    labels: Sequence[str],
    samples: Sequence[Sample],
    found: Sequence[Detections],
    scales: Sequence[float],
) -> dict[str, HeightScore]:
    """Averages over the classes of objects of some height in the network's input, which the
    picture's own pixels become by its `scales`. Detections of another height that find nothing
    count neither way.
    """
    true = [_by_height(_truths(each), scale) for each, scale in zip(samples, scales, strict=True)]
    given = [_by_height(_guesses(each), scale) for each, scale in zip(found, scales, strict=True)]
    coco = _compared(labels, true, given, ranges=list(_HEIGHTS.values()))
    precision = coco.eval["precision"][..., 0]  # [overlap, recall, class, height]
    heights = [each["area"] for entries in true for each in entries if not each["iscrowd"]]
    return {
        name: HeightScore(
            boxes=sum(low <= height < high for height in heights),
            ap=_mean(precision[..., at]),
            ap50=_mean(precision[_AT_50, ..., at]),
        )
        for at, (name, (low, high)) in enumerate(_HEIGHTS.items())
    }


def _by_height(entries: list[dict[str, Any]], scale: float) -> list[dict[str, Any]]:
    """With their heights in the input where COCO keeps areas."""
    return [entry | {"area": entry["bbox"][3] * scale} for entry in entries]


def _compared(
    labels: Sequence[str],
    true: Sequence[Sequence[dict[str, Any]]],
    given: Sequence[Sequence[dict[str, Any]]],
    ranges: list[tuple[float, float]] | None = None,
) -> COCOeval:
    """By pycocotools, which likes to talk; by `ranges` of what is in `area`, or COCO's own."""
    with redirect_stdout(io.StringIO()):
        coco = COCOeval(_indexed(labels, true), _indexed(labels, given), "bbox")
        coco.params.maxDets = [_MOST_DETECTIONS]
        if ranges is not None:
            coco.params.areaRng = [[low, math.nextafter(high, low)] for low, high in ranges]
            coco.params.areaRngLbl = [str(low) for low, _ in ranges]
        coco.evaluate()
        coco.accumulate()
    return coco


def _truths(sample: Sample) -> list[dict[str, Any]]:
    boxes = zip(sample.xyxy_px, sample.classes, sample.ignored, strict=True)
    return [_entry(xyxy, number, iscrowd=int(ignored)) for xyxy, number, ignored in boxes]


def _guesses(found: Detections) -> list[dict[str, Any]]:
    boxes = zip(found.xyxy_px, found.class_id, found.score, strict=True)
    return [_entry(xyxy, number, score=float(score)) for xyxy, number, score in boxes]


def _entry(xyxy_px: npt.NDArray[np.float32], number: int, **more: float) -> dict[str, Any]:
    x1, y1, x2, y2 = xyxy_px.tolist()
    box = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}
    return {"category_id": int(number), "iscrowd": 0} | box | more


def _indexed(labels: Sequence[str], pictures: Sequence[Sequence[dict[str, Any]]]) -> COCO:
    """Boxes are numbered from 1, picture after picture: COCOeval takes 0 for none."""
    entries = [
        entry | {"image_id": picture}
        for picture, of_picture in enumerate(pictures)
        for entry in of_picture
    ]
    coco = COCO()
    coco.dataset = {
        "images": [{"id": picture} for picture in range(len(pictures))],
        "categories": [{"id": number, "name": label} for number, label in enumerate(labels)],
        "annotations": [entry | {"id": number} for number, entry in enumerate(entries, start=1)],
    }
    coco.createIndex()
    return coco


def _mean(precision: npt.NDArray[np.float64]) -> float | None:
    """COCOeval says -1 where there is nothing to find."""
    known = precision[precision >= 0]
    return float(known.mean()) if known.size else None


def _verdicts(
    coco: COCOeval, samples: Sequence[Sample], found: Sequence[Detections]
) -> tuple[Verdict, ...]:
    """From the matches that COCOeval made, which are by class, area and picture in this order."""
    verdicts = tuple(
        Verdict(np.zeros(len(s.classes)), np.zeros(len(f), np.bool_), np.ones(len(f), np.bool_))
        for s, f in zip(samples, found, strict=True)
    )
    first_truth = np.cumsum([1, *(len(sample.classes) for sample in samples)])
    first_guess = np.cumsum([1, *map(len, found)])
    per_class = len(coco.params.areaRng) * len(samples)
    for start in range(0, len(coco.evalImgs), per_class):
        for picture, match in enumerate(coco.evalImgs[start : start + len(samples)]):
            if match is None:
                continue
            truths = np.array(match["gtIds"], np.int64) - first_truth[picture]
            guesses = np.array(match["dtIds"], np.int64) - first_guess[picture]
            ignored = match["dtIgnore"][_AT_50]
            verdict = verdicts[picture]
            verdict.neutral[guesses] = ignored
            verdict.right[guesses] = (match["dtMatches"][_AT_50] > 0) & ~ignored
            by = match["gtMatches"][_AT_50].astype(np.int64)
            verdict.found_at[truths[by > 0]] = found[picture].score[
                by[by > 0] - first_guess[picture]
            ]
    return verdicts
