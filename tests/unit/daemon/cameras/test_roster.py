"""Cameras join and leave every part of the daemon together; the others notice nothing."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from config.camera import CameraConfig
from daemon.answers.live import LiveBoard
from daemon.answers.publisher import Publisher
from daemon.books.accounting import Drop, Ledger
from daemon.books.states import CameraState, StatusBoard
from daemon.cameras.fleet import Fleet
from daemon.cameras.roster import Roster
from daemon.metrics import Metrics
from daemon.pipeline.policy import BatchPolicy
from daemon.pipeline.slot import Slot, SlotBoard
from daemon.pipeline.threads import Result, Timing
from detector.letterbox import InputSpec
from sinks.messages import DetectionMessage, Envelope, StatusMessage
from tests.support.fakes import FakeClock, FakeDetector, frame, one_box

TIMING = Timing(100.0, 100.0, 100.1)


def camera(**fields: Any) -> CameraConfig:
    return CameraConfig.model_validate({"url": "rtsp://10.0.0.5/live"} | fields)


class Thread:
    """A camera's thread that ends when it is asked to, unless it is blocked."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.life = "new"
        self.blocked = False

    def start(self) -> None:
        self.life = "running"

    def use_input(self, spec: InputSpec) -> None:
        raise AssertionError("the input did not change")

    def request_stop(self) -> None:
        self.life = "stopped"

    def join(self, timeout_s: float) -> bool:
        return not self.blocked


class Hall:
    """A roster with every part but the threads real; `threads` are all there ever were."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.board = StatusBoard([], self.clock)
        self.slots = SlotBoard()
        policy = BatchPolicy(max_batch=4, max_delay_s=0.01, is_live=lambda _: False)
        self.fleet = Fleet(self.slots, policy, self.board, open_worker=self._open, clock=self.clock)
        self.live = LiveBoard()
        self.registry = CollectorRegistry()
        metrics = Metrics(self.registry)
        self.put: list[Envelope] = []
        self.publisher = Publisher(
            self.put.append,
            epoch="9f3c",
            node="lodge",
            live=self.live,
            count_detections=metrics.count_detections,
            clock=self.clock,
        )
        self.board.on_change(self.publisher.status)
        self.threads: dict[str, list[Thread]] = {}
        self.roster = Roster(
            self.fleet, board=self.board, publisher=self.publisher, metrics=metrics, live=self.live
        )

    def use(
        self, *, score_threshold: float = 0.4, again: Any = (), **cameras: CameraConfig
    ) -> None:
        self.roster.use(cameras, score_threshold=score_threshold, again=again)

    def lives(self, name: str) -> list[str]:
        return [thread.life for thread in self.threads.get(name, [])]

    def answer(self, name: str) -> int:
        """The number of objects published for a frame with one person of score 0.9."""
        before = len(self.put)
        result = Result(FakeDetector(), frame(name, 100.0), one_box(), None, TIMING)
        self.publisher.result(result)
        (message,) = [envelope.message for envelope in self.put[before:]]
        assert isinstance(message, DetectionMessage)
        return len(message.detections)

    def statuses(self, name: str) -> list[str]:
        messages = [envelope.message for envelope in self.put]
        return [m.state for m in messages if isinstance(m, StatusMessage) and m.camera == name]

    def _open(self, name: str, config: CameraConfig, slot: Slot, ledger: Ledger) -> Thread:
        thread = Thread(slot)
        self.threads.setdefault(name, []).append(thread)
        return thread


@pytest.fixture
def hall() -> Hall:
    hall = Hall()
    hall.use(gate=camera(), yard=camera())
    return hall


def test_a_camera_that_joins_is_known_everywhere(hall: Hall) -> None:
    assert hall.lives("gate") == ["running"]
    assert hall.slots.cameras() == ["gate", "yard"]
    assert hall.statuses("gate") == ["connecting"]
    assert hall.answer("gate") == 1
    assert b'camera="gate"' in generate_latest(hall.registry)


def test_who_is_the_same_is_not_touched(hall: Hall) -> None:
    hall.threads["yard"][0].slot.put(frame("yard", 100.0))
    hall.use(yard=camera(), door=camera())
    assert hall.lives("yard") == ["running"]
    assert len(hall.slots) == 1, "its frame still waits"
    assert hall.statuses("yard") == ["connecting"]


def test_a_camera_that_leaves_is_forgotten_everywhere(hall: Hall) -> None:
    hall.answer("gate")
    hall.threads["gate"][0].slot.put(frame("gate", 100.0))
    hall.use(yard=camera())
    assert hall.lives("gate") == ["stopped"]
    assert hall.slots.cameras() == ["yard"]
    assert [status.camera for status in hall.board.all()] == ["yard"]
    assert hall.live.latest("gate") is None
    assert hall.fleet.page("gate") == Ledger().page()
    assert b'camera="gate"' not in generate_latest(hall.registry)


def test_a_restarted_camera_keeps_its_books_and_its_number(hall: Hall) -> None:
    hall.answer("gate")
    hall.threads["gate"][0].slot.put(frame("gate", 100.0))
    hall.use(gate=camera(transport="udp"), yard=camera())
    assert hall.lives("gate") == ["stopped", "running"]
    assert hall.lives("yard") == ["running"]
    page = hall.fleet.page("gate")
    assert (page.captured, page.dropped[Drop.SHUTDOWN]) == (1, 1)
    hall.answer("gate")
    assert hall.publisher.last_seq("gate") == 2


def test_other_rules_hold_at_once_and_leave_the_thread_alone(hall: Hall) -> None:
    hall.use(gate=camera(objects={"labels": ["car"]}), yard=camera())
    assert hall.lives("gate") == ["running"]
    assert (hall.answer("gate"), hall.answer("yard")) == (0, 1)
    hall.use(gate=camera(), yard=camera(), score_threshold=0.95)
    assert (hall.answer("gate"), hall.answer("yard")) == (0, 0)


def test_cameras_are_switched_off_and_on(hall: Hall) -> None:
    hall.use(gate=camera(enabled=False), yard=camera())
    assert hall.lives("gate") == ["stopped"]
    assert hall.board.state("gate") is CameraState.DISABLED
    hall.use(gate=camera(), yard=camera())
    assert hall.lives("gate") == ["stopped", "running"]


def test_who_gave_up_is_tried_again_when_asked_for(hall: Hall) -> None:
    hall.board.change("gate", CameraState.FAILED, reason="config")
    hall.board.change("yard", CameraState.FAILED, reason="eof")
    assert hall.roster.given_up() == {"gate"}, "a file played to its end is done"
    hall.use(gate=camera(), yard=camera(), again=hall.roster.given_up())
    assert hall.lives("gate") == ["stopped", "running"]
    assert hall.lives("yard") == ["running"]


def test_a_blocked_camera_is_named_and_its_successor_starts(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    hall.threads["gate"][0].blocked = True
    hall.use(gate=camera(transport="udp"), yard=camera())
    assert caplog.messages == ["camera is still blocked camera=gate"]
    assert hall.lives("gate") == ["stopped", "running"]
    assert not hall.roster.stop(0.0)


def test_after_a_failure_the_way_back_starts_from_what_runs(hall: Hall) -> None:
    hall.roster.stop(0.0, ["gate"])
    hall.use(gate=camera(), yard=camera())
    assert hall.lives("gate") == ["stopped", "running"]
    assert hall.lives("yard") == ["running"]
