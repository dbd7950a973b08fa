"""What a detector is examined on: the same pictures and labels, whichever detector it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from detector.api import Detector
from detector.datasets.samples import DataError, Dataset, Fault, Sample
from detector.detections import Detections
from detector.evaluation.labels import judged, renumber_detections, renumber_sample
from detector.evaluation.measuring import Measurement, measure
from detector.evaluation.running import answers
from detector.letterbox import InputSpec, Letterbox

Answer = tuple[Sample, Detections]


@dataclass(frozen=True, slots=True)
class Task:
    """`labels` are those of the data that count; `groups` are named and made of such labels."""

    data: Dataset
    labels: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def examine(
    detector: Detector,
    task: Task,
    *,
    lost: Callable[[Fault], None],
    track: Callable[[Iterable[Answer]], Iterable[Answer]] = iter,
    thresholds: Mapping[str, float] | None = None,
) -> Measurement:
    """Ask the detector about every picture and compare. `lost` is given pictures that cannot be
    decoded, `track` may count the answers as they come; `thresholds` by label are those that hold
    by default, the detector's own if not given. Raises InferenceError, and DataError where no
    picture can be decoded.
    """
    data, labels = task.data, task.labels
    answered = list(track(answers(detector, data.samples, lost=lost)))
    if not answered:
        raise DataError(data.samples[0].image.parent, "none of the pictures can be decoded")
    samples = [renumber_sample(sample, data.labels, labels) for sample, _ in answered]
    found = [renumber_detections(found, detector.labels, labels) for _, found in answered]
    known = [judged(*pair) for pair in zip(found, samples, strict=True)]
    usual = thresholds or dict(zip(detector.labels, detector.thresholds, strict=True))
    return measure(
        labels,
        samples,
        known,
        task.groups,
        scales=[_scale(sample, detector.input_spec) for sample in samples],
        thresholds=[usual[label] for label in labels],
    )


def _scale(sample: Sample, spec: InputSpec) -> float:
    """Of its heights, from the picture to the network's input."""
    return Letterbox.fit((sample.width, sample.height), spec).scaled_wh[1] / sample.height
