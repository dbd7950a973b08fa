"""How good weights are on the dev data, while they are still learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from detector.build import build_detector
from detector.evaluation.task import Task, examine
from detector.spec import DetectorSpec
from detector.training.setup import Setup

_BATCH = 8
_WEAKEST = 0.01  # a precision–recall curve wants the doubtful ones too


def measure_for(setup: Setup) -> Callable[[Path], Mapping[str, float]] | None:
    """None without dev data. What it gives raises ModelError and InferenceError."""
    if setup.dev is None:
        return None
    task = Task(setup.dev, setup.dev.labels)

    def measure(weights: Path) -> dict[str, float]:
        detector = build_detector(
            DetectorSpec(
                name=setup.settings.model,
                weights=weights,
                score_threshold=_WEAKEST,
                iou_threshold=0.5,
                max_detections=100,
                max_batch=_BATCH,
            )
        )
        detector.warm_up()
        scores = examine(detector, task, lost=lambda _fault: None).scores
        of_classes = {
            f"ap50_{label}": of.ap50 for label, of in scores.classes.items() if of.ap50 is not None
        }
        return {"ap": scores.ap or 0.0, "ap50": scores.ap50 or 0.0, **of_classes}

    return measure
