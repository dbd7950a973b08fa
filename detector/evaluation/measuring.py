"""Everything that is measured of one detector's answers: classes, groups and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detector.datasets.samples import Sample
from detector.detections import Detections
from detector.evaluation.curves import Curve, curve
from detector.evaluation.groups import merge_detections, merge_sample
from detector.evaluation.scoring import ClassScore, Scores, score


@dataclass(frozen=True, slots=True)
class Measurement:
    """`curves` are those of classes and groups, by name."""

    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    found: tuple[Detections, ...]
    scores: Scores
    groups: dict[str, ClassScore]
    curves: dict[str, Curve]


def measure(
    labels: Sequence[str],
    samples: Sequence[Sample],
    found: Sequence[Detections],
    groups: Mapping[str, Sequence[str]],
) -> Measurement:
    """Compare answers with the truth; class ids of both index `labels`. A group has a name and
    labels that are counted as one class.
    """
    scores = score(labels, samples, found)
    curves = {
        label: curve(number, samples, found, scores.verdicts) for number, label in enumerate(labels)
    }
    of_groups = {}
    for name, members in groups.items():
        numbers = [labels.index(member) for member in members]
        there = [merge_sample(sample, numbers) for sample in samples]
        seen = [merge_detections(detections, numbers) for detections in found]
        merged = score([name], there, seen)
        of_groups[name] = merged.classes[name]
        curves[name] = curve(0, there, seen, merged.verdicts)
    return Measurement(tuple(labels), tuple(samples), tuple(found), scores, of_groups, curves)
