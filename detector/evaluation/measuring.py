"""Everything that is measured of one detector's answers: classes, groups and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detector.datasets.samples import Sample
from detector.detections import Detections
from detector.evaluation.curves import Curve, curve
from detector.evaluation.groups import merge_detections, merge_sample
from detector.evaluation.scoring import (
    ClassScore,
    HeightScore,
    Scores,
    score,
    score_by_height,
)
from detector.evaluation.showing import Shown, shown
from detector.weights.description import USUAL_SCORE


@dataclass(frozen=True, slots=True)
class Measurement:
    """`curves` are those of classes and groups, by name; `heights` by pixels of the input."""

    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    found: tuple[Detections, ...]
    scores: Scores
    groups: dict[str, ClassScore]
    curves: dict[str, Curve]
    heights: dict[str, HeightScore]
    shown: Shown
    thresholds: tuple[float, ...]  # of what is shown, as the labels


def measure(
    labels: Sequence[str],
    samples: Sequence[Sample],
    found: Sequence[Detections],
    groups: Mapping[str, Sequence[str]],
    *,
    scales: Sequence[float] | None = None,
    thresholds: Sequence[float] | None = None,
) -> Measurement:
    """Compare answers with the truth; class ids of both index `labels`. A group has a name and
    labels that are counted as one class. Pictures are seen at their `scales`, or as they are;
    `thresholds` are those that hold by default, as the labels.
    """
    scales = [1.0] * len(samples) if scales is None else scales
    thresholds = [USUAL_SCORE] * len(labels) if thresholds is None else thresholds
    scores = score(labels, samples, found)
    curves = {
        label: curve(number, samples, found, scores.verdicts) for number, label in enumerate(labels)
    }
    of_groups = {}
    members_of = {name: [labels.index(one) for one in group] for name, group in groups.items()}
    for name, numbers in members_of.items():
        there = [merge_sample(sample, numbers) for sample in samples]
        seen = [merge_detections(detections, numbers) for detections in found]
        merged = score([name], there, seen)
        of_groups[name] = merged.classes[name]
        curves[name] = curve(0, there, seen, merged.verdicts)
    return Measurement(
        tuple(labels),
        tuple(samples),
        tuple(found),
        scores,
        of_groups,
        curves,
        heights=score_by_height(labels, samples, found, scales),
        shown=shown(
            samples, found, scores.verdicts, thresholds=thresholds, groups=members_of.values()
        ),
        thresholds=tuple(thresholds),
    )
