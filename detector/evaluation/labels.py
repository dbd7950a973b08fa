"""Labels that data and models share, and everything else left out. Matched by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from detector.datasets.samples import Sample
from detector.detections import Detections


def shared_labels(data: Sequence[str], *models: Sequence[str]) -> tuple[str, ...]:
    """Those of the data that every model knows, in the data's order."""
    return tuple(label for label in data if all(label in model for model in models))


def renumber_sample(sample: Sample, old: Sequence[str], new: Sequence[str]) -> Sample:
    """With the boxes of `new` labels only, in their numbers."""
    classes = _numbers(old, new)[sample.classes]
    keep = classes >= 0
    return replace(
        sample,
        xyxy_px=sample.xyxy_px[keep],
        classes=classes[keep],
        ignored=sample.ignored[keep],
        unlabelled=tuple(new.index(old[at]) for at in sample.unlabelled if old[at] in new),
    )


def judged(found: Detections, sample: Sample) -> Detections:
    """Without what the sample cannot tell right from wrong: classes that nobody looked for."""
    keep = ~np.isin(found.class_id, sample.unlabelled)
    return found.where(keep)


def renumber_detections(found: Detections, old: Sequence[str], new: Sequence[str]) -> Detections:
    """With the detections of `new` labels only, in their numbers."""
    class_id = _numbers(old, new)[found.class_id]
    return replace(found, class_id=class_id).where(class_id >= 0)


def _numbers(old: Sequence[str], new: Sequence[str]) -> npt.NDArray[np.int32]:
    """New number by old number, -1 for a label that is left out."""
    return np.array([new.index(label) if label in new else -1 for label in old], np.int32)
