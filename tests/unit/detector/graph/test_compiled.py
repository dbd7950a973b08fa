from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from detector.api import Detector, InferenceError
from detector.boxes.candidates import Kept
from detector.graph.compiled import CompiledDetector
from detector.letterbox import InputSpec, Letterbox

SPEC = InputSpec(32, 64, "center", (9, 9, 9))


class FakePlan:
    """Finds picture number i + 1 in picture i, and remembers what it was shown."""

    trace_count = 1

    def __init__(self, error: Exception | None = None, **changed: Any) -> None:
        self.error = error
        self.changed = changed  # fields of the answer
        self.contents: list[Any] = []

    def run(self, pixels: Any, content_xyxy: Any) -> Kept:
        if self.error is not None:
            raise self.error
        self.contents.append(content_xyxy)
        batch = len(pixels)
        return Kept(
            np.tile(np.float32([10, 4, 20, 12]), (batch, 3, 1)),
            np.tile(np.float32([0.9, 0.5, 0.3]), (batch, 1)),
            np.tile(np.int32([2, 1, 0]), (batch, 1)),
            np.arange(batch, dtype=np.int32) + 1,
        )._replace(**self.changed)


def detector(plan: Any) -> Detector:
    return CompiledDetector(
        plan, name="fake", precision="float32", labels=("a", "b", "c"), weights_sha256="0" * 64,
        input_spec=SPEC, buckets=(1, 2, 4),
    )  # fmt: skip


def batch(size: int) -> Any:
    return np.zeros((size, SPEC.height, SPEC.width, 3), np.uint8)


def test_boxes_come_back_in_source_pixels_best_first() -> None:
    picture = Letterbox.fit((160, 160), SPEC)  # fits as 32×32 in the middle: x offset 16, scale 5
    first, second = detector(FakePlan()).detect(batch(2), [picture, picture])
    np.testing.assert_array_equal(first.xyxy_px, [[0, 20, 20, 60]])
    np.testing.assert_array_equal(first.class_id, [2])
    np.testing.assert_array_equal(second.score, np.float32([0.9, 0.5]))


def test_padding_is_neither_shown_as_picture_nor_answered() -> None:
    plan = FakePlan()
    answers = detector(plan).detect(batch(4), [Letterbox.fit((64, 16), SPEC)])
    assert len(answers) == 1
    np.testing.assert_array_equal(plan.contents[0], [[0, 8, 64, 24], *[[0, 0, 0, 0]] * 3])


def test_answers_do_not_hold_on_to_the_batch() -> None:
    (answer,) = detector(FakePlan()).detect(batch(1), [Letterbox.fit((64, 32), SPEC)])
    assert answer.score.base is None
    assert answer.class_id.base is None


def test_boxes_wholly_outside_the_picture_are_not_reported() -> None:
    """The picture covers x 0 to 64 and y 8 to 24; the second box lies above, the third beside."""
    xyxy = np.float32([[[10, 4, 20, 12], [10, 0, 20, 8], [64, 10, 70, 20]]])
    plan = FakePlan(xyxy=xyxy, count=np.int32([3]))
    (answer,) = detector(plan).detect(batch(1), [Letterbox.fit((64, 16), SPEC)])
    np.testing.assert_array_equal(answer.xyxy_px, [[10, 0, 20, 4]])
    np.testing.assert_array_equal(answer.score, np.float32([0.9]))
    np.testing.assert_array_equal(answer.class_id, [2])


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("field", ["score", "xyxy"])
def test_numbers_that_are_not_finite_are_no_answer(field: str, number: float) -> None:
    whole = FakePlan().run(batch(1), None)
    broken = getattr(whole, field).copy()
    broken[0, 0] = number
    plan = FakePlan(**{field: broken})
    with pytest.raises(InferenceError, match="fake gives numbers that are not finite in float32"):
        detector(plan).detect(batch(1), [])
    plan.changed["count"] = np.int32([0])  # rows past it mean nothing
    assert len(detector(plan).detect(batch(1), [Letterbox.fit((64, 32), SPEC)])[0]) == 0


def test_warming_up_runs_every_bucket_and_tells() -> None:
    plan, heard = FakePlan(), list[int]()
    detector(plan).warm_up(heard.append)
    detector(plan).warm_up()
    assert heard == [1, 2, 4]
    assert [len(content) for content in plan.contents] == [1, 2, 4] * 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\nat node"), "oom"),
        (tf.errors.InternalError(None, None, ""), "runtime"),
    ],
)
def test_failures_become_one_line_with_a_reason(error: Exception, reason: str) -> None:
    with pytest.raises(InferenceError) as caught:
        detector(FakePlan(error)).detect(batch(1), [])
    assert caught.value.reason == reason
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("size", "pictures"), [(3, 1), (8, 0), (1, 2)])
def test_a_batch_that_is_no_bucket_is_a_mistake_of_the_caller(size: int, pictures: int) -> None:
    with pytest.raises(ValueError, match="fit no bucket"):
        detector(FakePlan()).detect(batch(size), [Letterbox.fit((64, 32), SPEC)] * pictures)
