"""One picture at a time, whole or in pieces, for those who have no hurry."""

from __future__ import annotations

from collections.abc import Sequence

from daemon.pipeline.frame import Row
from daemon.pipeline.merging import merged
from daemon.tracking.families import families
from detector.api import Detector
from detector.buckets import side_by_side
from detector.detections import Detections

MOST = 1000  # objects of one picture; what a configuration may say


def answer(detector: Detector, rows: Sequence[Row]) -> Detections:
    """What is in a picture of which these are the rows. Raises InferenceError."""
    return together(detector.labels, rows, each_row(detector, rows))


def together(
    labels: tuple[str, ...], rows: Sequence[Row], answers: Sequence[Detections]
) -> Detections:
    """What is in a picture, of what is in each of its rows."""
    places = [row.letterbox for row in rows]
    return merged(places, answers, families(labels), most=MOST)


def each_row(detector: Detector, rows: Sequence[Row]) -> list[Detections]:
    """What is in each of them, in as many runs as it takes. Raises InferenceError."""
    answers: list[Detections] = []
    most = detector.buckets[-1]
    for first in range(0, len(rows), most):
        some = rows[first : first + most]
        pixels = side_by_side([row.pixels for row in some], detector.input_spec, detector.buckets)
        answers += detector.detect(pixels, [row.letterbox for row in some])
    return answers
