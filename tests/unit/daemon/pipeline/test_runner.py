"""What becomes of a batch whose run fails, and when a detector is given up."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from daemon.pipeline.batch import BatchAssembler
from daemon.pipeline.runner import GIVE_UP_BATCHES, GIVE_UP_S, DetectorRunner, Outcome
from detector.api import InferenceError
from tests.support.fakes import FakeClock, FakeDetector, frame


class Runs:
    """A runner over a detector that cannot take more than `memory` pictures at once."""

    def __init__(self, memory: int, *, max_batch: int = 8) -> None:
        self.memory = memory
        self.clock = FakeClock()
        self.detector = FakeDetector(max_batch, self._allocate)
        self.runner = DetectorRunner(self.clock)
        self.tried: list[int] = []

    def run(self, pictures: int) -> Outcome:
        frames = [frame("cam", 100.0, value=value) for value in range(pictures)]
        return self.runner.run(BatchAssembler(self.detector).assemble(frames, "full", 100.0))

    @property
    def max_batch(self) -> int:
        return self.runner.max_batch(self.detector)

    def _allocate(self, pictures: int) -> None:
        self.tried.append(pictures)
        if pictures > self.memory:
            raise InferenceError("oom", "no room")


def raising(error: Exception) -> Callable[[int], None]:
    def hook(_count: int) -> None:
        raise error

    return hook


def test_out_of_memory_the_batch_is_answered_in_halves_and_stays_small(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs = Runs(memory=4)
    outcome = runs.run(8)
    assert (outcome.error, outcome.failures, len(outcome.answers)) == (None, ("oom",), 8)
    assert runs.tried == [8, 4, 4]
    assert runs.detector.seen == list(range(8)), "each picture once, in order"
    assert runs.max_batch == 4
    assert caplog.messages == [
        "out of memory, smaller batches from now on model=fake max_batch=4 was=8"
    ]
    assert runs.run(4).failures == ()
    assert runs.run(8).failures == (), "put together before the limit was known"


@pytest.mark.parametrize("max_batch", [2, 3, 5, 6, 7, 11, 12, 13])
def test_batches_of_any_size_can_be_halved(max_batch: int) -> None:
    runs = Runs(memory=max_batch // 2, max_batch=max_batch)
    for pictures in range(1, max_batch + 1):
        runs.detector.seen.clear()
        outcome = runs.run(pictures)
        assert outcome.error is None
        assert runs.detector.seen == list(range(pictures))
    assert runs.max_batch <= max_batch // 2


def test_a_second_failure_costs_the_batch_and_the_next_one_is_halved_again() -> None:
    runs = Runs(memory=2)
    outcome = runs.run(8)
    assert (outcome.error, outcome.failures) == ("oom", ("oom", "oom"))
    assert outcome.answers == [None] * 8
    assert runs.max_batch == 4
    assert runs.run(4).error is None
    assert runs.max_batch == 2


def test_one_picture_cannot_be_halved() -> None:
    runs = Runs(memory=0)
    assert runs.run(1).failures == ("oom",)
    assert runs.max_batch == 8


def test_another_detector_may_use_its_memory_in_full() -> None:
    runs = Runs(memory=4)
    runs.run(8)
    runs.detector = FakeDetector(8)
    assert runs.max_batch == 8


def test_other_failures_are_not_tried_again() -> None:
    runs = Runs(memory=8)
    runs.detector = FakeDetector(8, raising(InferenceError("runtime", "broken")))
    assert runs.run(8).failures == ("runtime",)
    assert runs.max_batch == 8


def test_a_detector_that_fails_on_and_on_is_given_up_and_one_success_forgives_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs = Runs(memory=0)
    for _ in range(GIVE_UP_BATCHES):
        runs.run(1)
    assert runs.runner.failure() is None, "a burst may pass"
    runs.clock.advance(GIVE_UP_S)
    failure = runs.runner.failure()
    assert str(failure) == "inference failed (oom): 10 times in a row, at last: no room"
    runs.memory = 1
    runs.run(1)
    assert runs.runner.failure() is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR], "said once"


def test_few_failures_are_borne_however_long_they_last() -> None:
    runs = Runs(memory=0)
    for _ in range(GIVE_UP_BATCHES - 1):
        runs.run(1)
        runs.clock.advance(60)
    assert runs.runner.failure() is None


def test_rows_of_a_frame_that_ran_in_two_halves_are_together_again() -> None:
    runs = Runs(memory=4)
    frames = [frame("a", 100.0, value=0, rows=3), frame("b", 100.0, value=3, rows=4)]
    outcome = runs.runner.run(BatchAssembler(runs.detector).assemble(frames, "full", 100.0))
    assert (outcome.error, outcome.failures) == (None, ("oom",))
    assert runs.tried == [7, 4, 3]
    assert runs.detector.seen == list(range(7)), "each row once, in order"
    assert [len(answers or ()) for answers in outcome.answers] == [3, 4]


def test_a_frame_of_more_rows_than_memory_has_room_for_is_answered_in_parts() -> None:
    runs = Runs(memory=2)
    runs.run(8)
    runs.run(4)
    runs.detector.seen.clear()
    shot = frame("a", 100.0, rows=7)
    outcome = runs.runner.run(BatchAssembler(runs.detector).assemble([shot], "full", 100.0))
    assert outcome.error is None
    assert runs.detector.seen == list(range(7))
    assert [len(answers or ()) for answers in outcome.answers] == [7]
