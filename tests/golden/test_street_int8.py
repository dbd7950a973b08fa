"""The bundled weights in int8 against themselves in float32, on the clip of the demonstration."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from detector.build import build_detector
from detector.detections import Detections
from detector.int8.agreement import SHOWN, agreement
from detector.letterbox import Letterbox
from detector.spec import DetectorSpec
from tests.golden import recorded

pytestmark = pytest.mark.golden


@functools.cache
def answers(precision: str) -> list[Detections]:
    """For every tenth frame; from bytes, as cameras deliver them."""
    detector = build_detector(
        DetectorSpec(
            name="efficientdet-lite0", precision=precision, score_threshold=SHOWN,
            iou_threshold=0.5, max_detections=100, max_batch=1,
        )
    )  # fmt: skip
    found = []
    for frame in recorded.clip_frames(10):
        pixels, letterbox = recorded.letterboxed(frame, detector.input_spec)
        found += detector.detect(np.rint(pixels).astype(np.uint8)[None], [letterbox])
    assert isinstance(letterbox, Letterbox)
    return found


def test_boxes_are_where_they_are_in_float32() -> None:
    """A calibration that breaks shows here: ranges of the clip alone, or of another input."""
    assert sum(int((each.score >= 0.3).sum()) for each in answers("float32")) > 100
    assert agreement(answers("float32"), answers("int8")) > 0.9


def test_as_many_people_are_reported_as_in_float32() -> None:
    counts = [sum(int((x.score >= 0.4).sum()) for x in answers(p)) for p in ("float32", "int8")]
    assert counts[1] == pytest.approx(counts[0], rel=0.05)
