"""What the pipeline makes of failures, and how it ends."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from daemon.books.accounting import Drop
from daemon.clock import SystemClock
from daemon.pipeline.policy import BatchPolicy, Decision
from daemon.pipeline.slot import Waiting
from daemon.pipeline.threads import Result
from detector.api import InferenceError
from tests.support.pipeline_rig import Gate, Rig, pipelines
from tests.support.waiting import PATIENCE_S, until

UNHANDLED = "ignore::pytest.PytestUnhandledThreadExceptionWarning"


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def start(gate: Gate) -> Iterator[Callable[..., Rig]]:
    with pipelines(gate) as make:
        yield make


def failing_twice(start: Callable[..., Rig], error: Exception) -> Rig:
    """After three frames, one by one."""
    failures = iter([error, error])

    def hook(_count: int) -> None:
        if failure := next(failures, None):
            raise failure

    rig = start(hook=hook)
    for done in (1, 2, 3):
        rig.put("a")
        until(lambda done=done: len(rig.results) == done)
    return rig


def test_a_failing_detector_is_an_error_not_an_absence_of_objects(
    start: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "daemon.pipeline.runner")
    rig = failing_twice(start, InferenceError("oom", "4 GiB"))
    assert [(r.detections is None, r.error) for r in rig.results] == [
        (True, "oom"),
        (True, "oom"),
        (False, None),
    ]
    page = rig.page("a")
    assert (page.inferred, page.dropped[Drop.INFER_ERROR]) == (1, 2)
    assert rig.notes.errors == ["oom", "oom"]
    assert caplog.messages == ["inference failed (oom): 4 GiB", "inference works again"]


def test_a_detector_with_a_defect_is_logged_once_and_asked_again(
    start: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    rig = failing_twice(start, ZeroDivisionError("1/0"))
    assert [r.error for r in rig.results] == ["runtime", "runtime", None]
    assert rig.notes.errors == ["runtime", "runtime"]
    assert len([r for r in caplog.records if r.exc_info]) == 1, "one traceback, not one per batch"
    assert "inference failed (runtime): ZeroDivisionError" in caplog.messages


def test_all_frames_of_a_failed_batch_are_told(start: Callable[..., Rig]) -> None:
    def hook(_count: int) -> None:
        raise InferenceError("runtime", "broken")

    rig = start(started=False, hook=hook)
    for name in "abc":
        rig.put(name)
    rig.pipeline.start()
    until(lambda: len(rig.results) == 3)
    assert sorted(rig.answered()) == ["a", "b", "c"]
    assert rig.total().dropped[Drop.INFER_ERROR] == 3


def test_a_publisher_with_a_defect_loses_that_message_alone(
    start: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    published: list[str] = []

    def publish(result: Result) -> None:
        if result.frame.camera == "a":
            raise KeyError("a")
        published.append(result.frame.camera)

    rig = start(started=False, publish=publish)
    for name in "abc":
        rig.put(name)
    rig.pipeline.start()
    until(lambda: len(published) == 2)
    assert published == ["b", "c"]
    assert caplog.messages == ["a result could not be told"]


def test_what_was_dispatched_is_published_before_the_end(
    start: Callable[..., Rig], gate: Gate
) -> None:
    rig = start(hook=gate)
    rig.put("a", value=1)
    gate.wait_entered()
    rig.put("b", value=2)
    until(lambda: len(rig.slots) == 0)
    rig.put("c", value=3)
    threading.Timer(0.02, gate.open).start()
    assert rig.pipeline.stop(PATIENCE_S)
    assert rig.answered() == ["a", "b"]
    assert rig.page("c").in_flight == 1, "what still waits is for whoever owns the slots"


def test_an_idle_pipeline_stops_at_once_and_may_be_stopped_again(start: Callable[..., Rig]) -> None:
    rig = start(clock=SystemClock())
    started_s = time.monotonic()
    assert rig.pipeline.stop(PATIENCE_S)
    assert rig.pipeline.stop(PATIENCE_S)
    assert time.monotonic() - started_s < PATIENCE_S / 2


def test_a_pipeline_that_never_started_is_stopped_at_once(start: Callable[..., Rig]) -> None:
    assert start(started=False).pipeline.stop(0.0)


def test_stop_does_not_wait_for_a_detector_that_hangs(
    start: Callable[..., Rig], gate: Gate
) -> None:
    clock = SystemClock()
    rig = start(hook=gate, clock=clock)
    rig.offer(rig.frame("a", clock.now_s()))
    gate.wait_entered()
    started_s = time.monotonic()
    assert not rig.pipeline.stop(0.05)
    assert 0.04 < time.monotonic() - started_s < PATIENCE_S / 2
    page = rig.page("a")
    assert (page.in_flight, page.balanced) == (1, True)
    gate.open()
    assert rig.pipeline.stop(PATIENCE_S)
    assert rig.answered() == ["a"]


def test_no_thread_is_dead_while_the_pipeline_works(start: Callable[..., Rig]) -> None:
    rig = start()
    rig.put("a")
    until(lambda: rig.results)
    assert rig.pipeline.dead_threads() == []


@pytest.mark.filterwarnings(UNHANDLED)
def test_a_thread_that_died_is_named() -> None:
    class Broken(BatchPolicy):
        def decide(self, waiting: Sequence[Waiting], now_s: float, *, free_s: float) -> Decision:
            raise AssertionError("a defect of ours")

    rig = Rig(policy=Broken(max_batch=1, max_delay_s=0.0))
    rig.pipeline.start()
    until(lambda: rig.pipeline.dead_threads() == ["batching", "inference", "results"])
    rig.pipeline._batches.put(None)  # in its stead, so that the others end
    assert rig.pipeline.stop(PATIENCE_S)
