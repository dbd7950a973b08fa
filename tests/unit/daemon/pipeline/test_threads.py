"""The way of frames through the three threads, real ones, to their answers."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from daemon.books.accounting import Drop
from daemon.clock import SystemClock
from daemon.pipeline.frame import Frame
from daemon.pipeline.policy import BatchPolicy, Decision
from daemon.pipeline.slot import Waiting
from daemon.pipeline.threads import Timing
from detector.detections import Detections
from detector.letterbox import Letterbox
from tests.support.fakes import FakeDetector
from tests.support.pipeline_rig import Gate, Rig, pipelines
from tests.support.waiting import PATIENCE_S, until


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def start(gate: Gate) -> Iterator[Callable[..., Rig]]:
    with pipelines(gate) as make:
        yield make


def test_a_frame_gets_its_answer(start: Callable[..., Rig]) -> None:
    rig = start()
    rig.put("b", value=7)
    until(lambda: rig.results)
    (result,) = rig.results
    assert (result.frame.camera, result.error) == ("b", None)
    assert result.detections is not None
    assert len(result.detections) == 1
    assert rig.detector.seen == [7]
    assert rig.page("b").inferred == 1


def test_frames_of_several_cameras_share_a_batch(start: Callable[..., Rig]) -> None:
    rig = start(started=False)
    for value, name in enumerate("abc", start=1):
        rig.put(name, value=value, age_s=0.3 - value / 10)
    rig.pipeline.start()
    until(lambda: len(rig.results) == 3)
    assert rig.detector.batches == [3]
    assert rig.detector.seen == [1, 2, 3]
    assert rig.answered() == ["a", "b", "c"]
    (batch,) = rig.notes.batches
    assert batch == (3, 4, "deadline", pytest.approx(0.2))


def test_threads_bear_names(start: Callable[..., Rig]) -> None:
    start()
    assert {"batching", "inference", "results"} <= {t.name for t in threading.enumerate()}


def test_every_frame_has_exactly_one_fate_and_every_answer_one_result(
    start: Callable[..., Rig],
) -> None:
    clock = SystemClock()
    rig = start(clock=clock, hook=lambda _count: time.sleep(0.001))
    offered = {name: [] for name in rig.seats}

    def film(name: str) -> None:
        pauses = random.Random(name)
        for number in range(80):
            shot = rig.frame(name, clock.now_s(), value=number)
            offered[name].append(id(shot))
            kept.append(shot)
            rig.offer(shot)
            time.sleep(pauses.choice([0.0, 0.0005, 0.003]))

    kept: list[Frame] = []  # so that no identity is given twice
    cameras = [threading.Thread(target=film, args=(name,)) for name in rig.seats]
    for camera in cameras:
        camera.start()
    while any(camera.is_alive() for camera in cameras):
        assert all(rig.page(name).balanced for name in rig.seats)
        time.sleep(0.001)
    rig.finish()
    for name, shots in offered.items():
        page = rig.page(name)
        answered = [id(r.frame) for r in rig.results if r.frame.camera == name]
        assert page.balanced
        assert (page.captured, page.in_flight) == (80, 0)
        assert len(answered) == page.inferred > 0
        places = [shots.index(shot) for shot in answered]
        assert places == sorted(set(places)), "an answer came twice or in the wrong order"
    assert sum(rig.detector.batches) == len(rig.results)


def test_one_batch_is_assembled_ahead_and_never_two(start: Callable[..., Rig], gate: Gate) -> None:
    rig = start(hook=gate)
    rig.put("a", value=1)
    gate.wait_entered()
    rig.put("a", value=2)
    until(lambda: len(rig.slots) == 0)  # assembled while the first one runs
    rig.put("a", value=3)
    rig.put("b", value=4)
    time.sleep(0.03)
    assert len(rig.slots) == 2, "a second batch was taken ahead"
    rig.put("a", value=5)
    gate.let_through()
    gate.wait_entered()
    until(lambda: len(rig.slots) == 0)
    gate.open()
    until(lambda: len(rig.results) == 4)
    assert rig.detector.seen[:2] == [1, 2]
    assert sorted(rig.detector.seen[2:]) == [4, 5]
    assert rig.page("a").dropped[Drop.OVERWRITTEN] == 1


def test_frames_wait_in_their_slots_while_the_run_is_known_to_last(
    start: Callable[..., Rig], gate: Gate
) -> None:
    rig: Rig
    slow = iter([2 * PATIENCE_S])

    def hook(count: int) -> None:
        gate(count)
        rig.time.advance(next(slow, 0.0))

    rig = start(hook=hook)
    rig.put("a", value=1)
    gate.wait_entered()
    gate.let_through()
    until(lambda: rig.results)  # it took ten seconds: so will the next one
    rig.put("a", value=2)
    gate.wait_entered()
    rig.put("b", value=3)
    time.sleep(0.03)
    rig.put("b", value=4)
    gate.open()
    until(lambda: len(rig.results) == 3)  # long before the ten seconds are over
    assert rig.detector.seen == [1, 2, 4], "the newest frame goes when the detector is free"
    assert rig.page("b").dropped[Drop.OVERWRITTEN] == 1


class WatchfulDetector(FakeDetector):
    """Looks at its pixels before and after the next batch has been assembled."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(4)
        self._gate = gate
        self.changed = 0

    def detect(
        self, pixels: npt.NDArray[np.uint8], letterboxes: Sequence[Letterbox]
    ) -> list[Detections]:
        before = pixels.copy()
        self._gate(len(letterboxes))
        self.changed += not np.array_equal(before, pixels)
        return super().detect(pixels, letterboxes)


def test_no_buffer_is_written_while_the_detector_reads_it(
    start: Callable[..., Rig], gate: Gate
) -> None:
    detector = WatchfulDetector(gate)
    rig = start(detector=detector)
    rig.put("a", value=1)
    for value in range(2, 12):
        gate.wait_entered()
        rig.put("abcd"[value % 4], value=value)
        until(lambda: len(rig.slots) == 0)
        rig.put("a", value=200)  # waits: it must not get into either buffer yet
        time.sleep(0.002)
        rig.slots.take([rig.seats["a"]])
        rig.seats["a"].ledger.dropped(Drop.SHUTDOWN)
        gate.let_through()
    gate.open()
    until(lambda: len(rig.results) == 11)
    assert detector.changed == 0
    assert detector.seen == list(range(1, 12))


def held_batch(start: Callable[..., Rig], gate: Gate) -> Rig:
    """`a` and `b` run and are held; `c`, 0.1 s older than `d`, is assembled ahead with it."""
    rig = start(started=False, detector=FakeDetector(2, gate))
    for name, value, age_s in (("a", 1, 0.4), ("b", 2, 0.4), ("c", 3, 0.2), ("d", 4, 0.1)):
        rig.put(name, value=value, age_s=age_s)
    rig.pipeline.start()
    gate.wait_entered()
    until(lambda: len(rig.slots) == 0)
    return rig


def test_frames_that_went_stale_behind_a_slow_batch_are_not_dispatched(
    start: Callable[..., Rig], gate: Gate
) -> None:
    rig = held_batch(start, gate)
    rig.time.advance(0.35)
    gate.open()
    until(lambda: len(rig.results) == 3)
    assert rig.answered() == ["a", "b", "d"]
    assert rig.detector.seen == [1, 2, 4]
    assert rig.detector.batches == [2, 1]
    page = rig.page("c")
    assert (page.dropped[Drop.STALE], page.inferred) == (1, 0)
    assert [name for name, *_ in rig.notes.frames] == ["a", "b", "d"]
    assert rig.notes.batches[1][:2] == (1, 1)


def test_a_batch_that_went_stale_as_a_whole_costs_no_run(
    start: Callable[..., Rig], gate: Gate
) -> None:
    rig = held_batch(start, gate)
    rig.time.advance(1.0)
    gate.open()
    until(lambda: rig.total().dropped[Drop.STALE] == 2)
    rig.put("c", value=9)
    until(lambda: len(rig.results) == 3)
    assert rig.detector.batches == [2, 1]
    assert rig.detector.seen == [1, 2, 9]


def test_a_batch_that_was_dropped_leaves_room_for_one_ahead_not_two(
    start: Callable[..., Rig], gate: Gate
) -> None:
    rig = held_batch(start, gate)
    rig.time.advance(1.0)
    gate.let_through()
    until(lambda: rig.total().dropped[Drop.STALE] == 2)
    rig.put("a")
    gate.wait_entered()
    rig.put("b")
    until(lambda: len(rig.slots) == 0)
    rig.put("c")
    time.sleep(0.03)
    assert len(rig.slots) == 1


def test_a_frame_too_old_for_its_turn_is_never_taken(start: Callable[..., Rig]) -> None:
    rig = start(started=False)
    rig.put("a", age_s=0.6)
    rig.put("b", age_s=0.4)
    rig.pipeline.start()
    until(lambda: rig.results)
    assert rig.answered() == ["b"]
    assert rig.page("a").dropped[Drop.STALE] == 1


def test_times_are_told_where_they_pass(start: Callable[..., Rig], gate: Gate) -> None:
    rig: Rig
    lasts = iter([0.25, 0.125])

    def hook(count: int) -> None:
        gate(count)
        rig.time.advance(next(lasts))

    rig = start(started=False, hook=hook, detector=None)
    rig.put("a", age_s=0.0625)
    rig.pipeline.start()
    gate.wait_entered()
    rig.put("b")
    until(lambda: len(rig.slots) == 0)
    gate.open()
    until(lambda: len(rig.results) == 2)
    assert [result.timing for result in rig.results] == [
        Timing(taken_s=100.0, dispatched_s=100.0, answered_s=100.25),
        Timing(taken_s=100.0, dispatched_s=100.25, answered_s=100.375),
    ]
    assert rig.notes.batches == [(1, 1, "deadline", 0.0625), (1, 1, "idle", 0.0)]
    assert rig.notes.frames == [("a", 0.0625, 0.0625), ("b", 0.25, 0.0)]
    assert rig.notes.runs == [(1, 0.25), (1, 0.125)]


def test_a_camera_that_leaves_at_the_last_moment_holds_nobody_up(
    start: Callable[..., Rig],
) -> None:
    class Leaving(BatchPolicy):
        """The camera that it chooses first is removed before its frame is taken."""

        def decide(self, waiting: Sequence[Waiting], now_s: float, *, free_s: float) -> Decision:
            decision = super().decide(waiting, now_s, free_s=free_s)
            if rig.seats["a"] in decision.batch:
                rig.take_away("a")
            return decision

    policy = Leaving(max_batch=1, max_delay_s=0.01)
    rig = start(started=False, cameras="ab", policy=policy)
    rig.put("a", age_s=0.2)
    rig.put("b", age_s=0.1)
    rig.pipeline.start()
    until(lambda: rig.results)
    assert rig.answered() == ["b"]
    assert rig.page("a").dropped[Drop.SHUTDOWN] == 1


def test_a_camera_that_was_served_goes_behind_those_that_were_not(
    start: Callable[..., Rig], gate: Gate
) -> None:
    rig = start(started=False, detector=FakeDetector(1, gate), cameras="abc")
    for name, age_s in (("a", 0.3), ("b", 0.2), ("c", 0.1)):
        rig.put(name, age_s=age_s)
    rig.pipeline.start()
    for again in "ab":
        gate.wait_entered()
        until(lambda: len(rig.slots) == 1)  # one runs, one is ahead, one waits
        rig.put(again, age_s=0.4)  # older than what waits, but it was served already
        gate.let_through()
        until(lambda: rig.results)
    gate.open()
    until(lambda: len(rig.results) == 5)
    assert rig.answered() == ["a", "b", "c", "a", "b"]
