from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detector.api import Detector, InferenceError
from detector.batched import BatchedDetector
from detector.boxes.candidates import Kept
from detector.letterbox import InputSpec, Letterbox

SPEC = InputSpec(32, 64, "center", (9, 9, 9))


class FakeEngine:
    """Finds picture number i + 1 in picture i, and remembers what it was shown."""

    trace_count = 1

    def __init__(self, **changed: Any) -> None:
        self.changed = changed  # fields of the answer
        self.contents: list[Any] = []

    def run(self, pixels: Any, content_xyxy: Any) -> Kept:
        self.contents.append(content_xyxy)
        batch = len(pixels)
        return Kept(
            np.tile(np.float32([10, 4, 20, 12]), (batch, 3, 1)),
            np.tile(np.float32([0.9, 0.5, 0.3]), (batch, 1)),
            np.tile(np.int32([2, 1, 0]), (batch, 1)),
            np.arange(batch, dtype=np.int32) + 1,
        )._replace(**self.changed)


def detector(engine: Any) -> Detector:
    return BatchedDetector(
        engine, name="fake", precision="float32", labels=("a", "b", "c"), weights_sha256="0" * 64,
        thresholds=(0.4,) * 3, input_spec=SPEC, buckets=(1, 2, 4),
    )  # fmt: skip


def batch(size: int) -> Any:
    return np.zeros((size, SPEC.height, SPEC.width, 3), np.uint8)


def test_boxes_come_back_in_source_pixels_best_first() -> None:
    picture = Letterbox.fit((160, 160), SPEC)  # fits as 32×32 in the middle: x offset 16, scale 5
    first, second = detector(FakeEngine()).detect(batch(2), [picture, picture])
    np.testing.assert_array_equal(first.xyxy_px, [[0, 20, 20, 60]])
    np.testing.assert_array_equal(first.class_id, [2])
    np.testing.assert_array_equal(second.score, np.float32([0.9, 0.5]))


def test_padding_is_neither_shown_as_picture_nor_answered() -> None:
    engine = FakeEngine()
    answers = detector(engine).detect(batch(4), [Letterbox.fit((64, 16), SPEC)])
    assert len(answers) == 1
    np.testing.assert_array_equal(engine.contents[0], [[0, 8, 64, 24], *[[0, 0, 0, 0]] * 3])


def test_answers_do_not_hold_on_to_the_batch() -> None:
    (answer,) = detector(FakeEngine()).detect(batch(1), [Letterbox.fit((64, 32), SPEC)])
    assert answer.score.base is None
    assert answer.class_id.base is None


def test_boxes_wholly_outside_the_picture_are_not_reported() -> None:
    """The picture covers x 0 to 64 and y 8 to 24; the second box lies above, the third beside."""
    xyxy = np.float32([[[10, 4, 20, 12], [10, 0, 20, 8], [64, 10, 70, 20]]])
    engine = FakeEngine(xyxy=xyxy, count=np.int32([3]))
    (answer,) = detector(engine).detect(batch(1), [Letterbox.fit((64, 16), SPEC)])
    np.testing.assert_array_equal(answer.xyxy_px, [[10, 0, 20, 4]])
    np.testing.assert_array_equal(answer.score, np.float32([0.9]))
    np.testing.assert_array_equal(answer.class_id, [2])


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("field", ["score", "xyxy"])
def test_numbers_that_are_not_finite_are_no_answer(field: str, number: float) -> None:
    whole = FakeEngine().run(batch(1), None)
    broken = getattr(whole, field).copy()
    broken[0, 0] = number
    engine = FakeEngine(**{field: broken})
    with pytest.raises(InferenceError, match="fake gives numbers that are not finite in float32"):
        detector(engine).detect(batch(1), [])
    engine.changed["count"] = np.int32([0])  # rows past it mean nothing
    assert len(detector(engine).detect(batch(1), [Letterbox.fit((64, 32), SPEC)])[0]) == 0


def test_warming_up_runs_every_bucket_and_tells() -> None:
    engine, heard = FakeEngine(), list[int]()
    detector(engine).warm_up(heard.append)
    detector(engine).warm_up()
    assert heard == [1, 2, 4]
    assert [len(content) for content in engine.contents] == [1, 2, 4] * 2


@pytest.mark.parametrize(("size", "pictures"), [(3, 1), (8, 0), (1, 2)])
def test_a_batch_that_is_no_bucket_is_a_mistake_of_the_caller(size: int, pictures: int) -> None:
    with pytest.raises(ValueError, match="fit no bucket"):
        detector(FakeEngine()).detect(batch(size), [Letterbox.fit((64, 32), SPEC)] * pictures)
