"""Cameras come and go with all that is theirs; the others notice nothing."""

from __future__ import annotations

import gc
import logging
import weakref
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from config.camera import CameraConfig
from daemon.answers.publisher import Publisher
from daemon.books.accounting import Drop, Page
from daemon.books.states import PAUSED, CameraState, Status
from daemon.cameras.crew import Crew
from daemon.metrics import Metrics
from daemon.pipeline.policy import BatchPolicy
from daemon.pipeline.slot import Slot, SlotBoard
from daemon.pipeline.threads import Result, Timing
from daemon.seats.roster import Roster
from daemon.seats.rules import CameraRules
from daemon.seats.seat import Numbers, Seat
from detector.letterbox import InputSpec
from sinks.envelope import Envelope
from sinks.messages import DetectionMessage, StatusMessage
from tests.support.fakes import SPEC, FakeClock, FakeDetector, frame, one_box

TIMING = Timing(100.0, 100.0, 100.1)


def camera(**fields: Any) -> CameraConfig:
    return CameraConfig.model_validate({"url": "rtsp://10.0.0.5/live"} | fields)


class Thread:
    """A camera's thread that needs `takes_s` to end; writes into `calls` what it is told."""

    def __init__(self, hall: Hall, slot: Slot) -> None:
        self.slot = slot
        self.life = "new"
        self.takes_s = 0.0
        self._hall = hall

    def start(self) -> None:
        self.life = "running"
        self._note("start")

    def use_input(self, spec: InputSpec) -> None:
        self._note(f"use_input {spec.width}x{spec.height}")

    def request_stop(self) -> None:
        self.life = "stopped"
        self._note("request_stop")

    def join(self, timeout_s: float) -> bool:
        self._note(f"join {timeout_s:g}")
        self._hall.clock.advance(min(self.takes_s, timeout_s))
        return self.takes_s <= timeout_s

    def put(self, captured_s: float = 100.0) -> None:
        self.slot.put(frame(self.slot.seat, captured_s))

    def _note(self, what: str) -> None:
        self._hall.calls.append(f"{self.slot.seat.name} {what}")


class Hall:
    """A roster with every part but the threads real; `threads` are all there ever were."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.slots = SlotBoard()
        self.policy = BatchPolicy(max_batch=8, max_delay_s=0.01)
        self.registry = CollectorRegistry()
        self._metrics = Metrics(self.registry)
        self.put: list[Envelope] = []
        self.publisher = Publisher(self.put.append, epoch="9f3c", node="lodge", clock=self.clock)
        self.calls: list[str] = []
        self.inputs: list[InputSpec] = []
        self.threads: dict[str, list[Thread]] = {}
        self.roster = Roster(self._seat)
        self.crew = Crew(
            self.roster,
            self.slots,
            self.policy,
            input_spec=SPEC,
            open_worker=self._open,
            clock=self.clock,
        )

    def use(
        self, *, score_threshold: float = 0.4, again: Any = (), **cameras: CameraConfig
    ) -> None:
        self.crew.use(cameras, score_threshold=score_threshold, again=again)

    def seat(self, name: str) -> Seat:
        seat = self.roster.get(name)
        assert seat is not None
        return seat

    def page(self, name: str) -> Page:
        return self.seat(name).ledger.page()

    def lives(self, name: str) -> list[str]:
        return [thread.life for thread in self.threads.get(name, [])]

    def answer(self, seat: Seat) -> DetectionMessage | None:
        """What is published for a frame with one person of score 0.9."""
        before = len(self.put)
        result = Result(FakeDetector(), frame(seat, 100.0), one_box(), None, TIMING)
        self.publisher.result(result)
        messages = [envelope.message for envelope in self.put[before:]]
        assert len(messages) < 2
        for message in messages:
            assert isinstance(message, DetectionMessage)
            return message
        return None

    def objects(self, name: str) -> int:
        message = self.answer(self.seat(name))
        assert message is not None
        return len(message.detections)

    def statuses(self, name: str) -> list[str]:
        messages = [envelope.message for envelope in self.put]
        return [m.state for m in messages if isinstance(m, StatusMessage) and m.camera == name]

    def dispatched(self, *cameras: str) -> list[str]:
        """What the batcher would take if all of these had delivered now."""
        now_s = self.clock.now_s()
        for name in cameras:
            self.threads[name][-1].put(now_s)
        waiting, _ = self.slots.view(oldest_s=0.0)
        return [seat.name for seat in self.policy.decide(waiting, now_s, free_s=now_s).batch]

    def _seat(
        self, name: str, config: CameraConfig, *, rules: CameraRules, numbers: Numbers
    ) -> Seat:
        status = Status(name, self.clock, self.publisher.status)
        counts = self._metrics.camera(name)
        return Seat(name, config, status=status, rules=rules, numbers=numbers, counts=counts)

    def _open(self, seat: Seat, slot: Slot, input_spec: InputSpec) -> Thread:
        assert slot.seat is seat
        self.inputs.append(input_spec)
        thread = Thread(self, slot)
        self.threads.setdefault(seat.name, []).append(thread)
        return thread


@pytest.fixture
def hall() -> Hall:
    hall = Hall()
    hall.use(gate=camera(), yard=camera())
    return hall


def test_a_camera_that_joins_is_known_everywhere(hall: Hall) -> None:
    assert hall.lives("gate") == ["running"]
    assert hall.statuses("gate") == ["connecting"]
    assert hall.dispatched("gate", "yard") == ["gate", "yard"]
    assert hall.objects("gate") == 1
    assert hall.roster.latest("gate") is not None
    assert b'camera="gate"' in generate_latest(hall.registry)


def test_a_seat_is_there_before_its_camera_is_started() -> None:
    hall = Hall()
    hall.roster.use({"gate": camera(), "yard": camera()}, score_threshold=0.4)
    assert [seat.status.state for seat in hall.roster.seats()] == [CameraState.CONNECTING] * 2
    assert hall.threads == {}
    assert hall.put == [], "no sink is open yet"
    gate = hall.seat("gate")
    hall.use(gate=camera(), yard=camera())
    assert hall.seat("gate") is gate
    assert hall.statuses("gate") == ["connecting"]


def test_who_is_the_same_is_not_touched(hall: Hall) -> None:
    hall.threads["yard"][0].put()
    hall.use(yard=camera(), door=camera())
    assert hall.lives("yard") == ["running"]
    assert len(hall.slots) == 1, "its frame still waits"
    assert hall.statuses("yard") == ["connecting"]


def test_a_camera_that_leaves_is_forgotten_everywhere(hall: Hall) -> None:
    gate = hall.seat("gate")
    hall.answer(gate)
    hall.threads["gate"][0].put()
    hall.use(yard=camera())
    assert hall.lives("gate") == ["stopped"]
    assert [seat.name for seat in hall.roster.seats()] == ["yard"]
    assert hall.roster.get("gate") is None
    assert hall.roster.latest("gate") is None
    assert b'camera="gate"' not in generate_latest(hall.registry)
    page = gate.ledger.page()
    assert (page.captured, page.dropped[Drop.SHUTDOWN], page.in_flight) == (1, 1, 0)


def test_nothing_is_said_any_more_of_a_camera_that_left(hall: Hall) -> None:
    gate = hall.seat("gate")
    hall.use(yard=camera())
    said = len(hall.put)
    assert hall.answer(gate) is None
    gate.status.change(CameraState.BACKOFF, reason="timeout")
    assert len(hall.put) == said
    hall.use(gate=camera(), yard=camera())
    assert hall.answer(gate) is None, "its name came back, it did not"


def test_books_of_a_camera_that_left_end_with_its_last_frame(hall: Hall) -> None:
    hall.threads["gate"][0].put()
    hall.slots.view(oldest_s=0.0)  # the batching thread has seen it come
    (held,) = hall.slots.take([hall.seat("gate")])
    hall.use(yard=camera())
    hall.threads.clear()
    ledger = weakref.ref(held.seat.ledger)
    assert held.seat.ledger.page().in_flight == 1
    held.seat.ledger.inferred()
    assert held.seat.ledger.page().balanced
    del held
    gc.collect()
    assert ledger() is None


def test_numbers_go_on_when_a_name_comes_back_and_books_begin_anew(hall: Hall) -> None:
    hall.threads["gate"][0].put()
    first = hall.answer(hall.seat("gate"))
    hall.use(yard=camera())
    hall.use(gate=camera(), yard=camera())
    second = hall.answer(hall.seat("gate"))
    assert first is not None
    assert second is not None
    assert (first.seq, second.seq) == (1, 2)
    assert hall.page("gate").captured == 0


def test_a_restarted_camera_keeps_its_books_and_its_number(hall: Hall) -> None:
    hall.answer(hall.seat("gate"))
    hall.threads["gate"][0].put()
    hall.use(gate=camera(transport="udp"), yard=camera())
    assert hall.lives("gate") == ["stopped", "running"]
    assert hall.lives("yard") == ["running"]
    page = hall.page("gate")
    assert (page.captured, page.dropped[Drop.SHUTDOWN]) == (1, 1)
    hall.answer(hall.seat("gate"))
    assert hall.seat("gate").numbers.seq == 2


def test_other_rules_hold_at_once_and_leave_the_thread_alone(hall: Hall) -> None:
    hall.use(gate=camera(objects={"labels": ["car"]}), yard=camera())
    assert hall.lives("gate") == ["running"]
    assert (hall.objects("gate"), hall.objects("yard")) == (0, 1)
    hall.use(gate=camera(), yard=camera(), score_threshold=0.95)
    assert (hall.objects("gate"), hall.objects("yard")) == (0, 0)


def test_priorities_hold_at_once_and_leave_the_thread_alone(hall: Hall) -> None:
    hall.calls.clear()
    hall.use(gate=camera(), yard=camera(priority=4))
    hall.policy.served([hall.seat("gate"), hall.seat("yard")], hall.clock.now_s())
    assert hall.dispatched("gate", "yard") == ["yard", "gate"]
    assert hall.calls == []


def test_cameras_are_switched_off_and_on(hall: Hall) -> None:
    hall.use(gate=camera(enabled=False), yard=camera())
    assert hall.lives("gate") == ["stopped"]
    assert hall.seat("gate").status.state is CameraState.DISABLED
    assert hall.crew.stop(0.0)
    hall.use(gate=camera(), yard=camera())
    assert hall.lives("gate") == ["stopped", "running"]


def test_who_gave_up_is_tried_again_when_asked_for(hall: Hall) -> None:
    hall.seat("gate").status.change(CameraState.FAILED, reason="config")
    hall.seat("yard").status.change(CameraState.FINISHED, reason="eof")
    assert hall.crew.given_up() == {"gate"}, "a file played to its end is done"
    hall.use(gate=camera(), yard=camera(), again=hall.crew.given_up())
    assert hall.lives("gate") == ["stopped", "running"]
    assert hall.lives("yard") == ["running"]


def test_all_are_asked_to_stop_before_any_is_waited_for(hall: Hall) -> None:
    hall.calls.clear()
    assert hall.crew.stop(1.0)
    assert hall.calls == ["gate request_stop", "yard request_stop", "gate join 1", "yard join 1"]
    assert hall.crew.stop(1.0), "a second stop changes nothing"


def test_the_time_to_stop_is_shared_and_the_blocked_are_named(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    hall.use(gate=camera(), yard=camera(), spare=camera())
    for name in ("gate", "spare"):
        hall.threads[name][0].takes_s = 60.0
    started_s = hall.clock.now_s()
    assert not hall.crew.stop(1.0)
    assert hall.clock.now_s() - started_s == pytest.approx(1.0)
    assert hall.calls[-3:] == ["gate join 1", "yard join 0", "spare join 0"]
    assert caplog.messages == [
        f"camera is still blocked camera={name}" for name in ("gate", "spare")
    ]
    assert not hall.crew.stop(1.0)
    assert hall.clock.now_s() - started_s == pytest.approx(1.0), "they were waited for once"
    for name in ("gate", "spare"):
        hall.threads[name][0].takes_s = 0.0
    assert hall.crew.stop(1.0)


def test_frames_that_wait_and_frames_of_blocked_cameras_are_dropped_as_shutdown(
    hall: Hall,
) -> None:
    hall.threads["gate"][0].takes_s = 60.0
    for name in ("gate", "yard"):
        hall.threads[name][0].put()
    hall.crew.stop(1.0)
    hall.threads["gate"][0].put(101.0)
    for name, captured in (("gate", 2), ("yard", 1)):
        page = hall.page(name)
        assert (page.captured, page.dropped[Drop.SHUTDOWN]) == (captured, captured)
        assert page.balanced


def test_a_blocked_camera_has_a_successor_whose_slot_it_cannot_fill(hall: Hall) -> None:
    hall.threads["gate"][0].takes_s = 60.0
    hall.use(gate=camera(transport="udp"), yard=camera())
    assert hall.lives("gate") == ["stopped", "running"]
    hall.threads["gate"][0].put()
    assert len(hall.slots) == 0
    assert hall.page("gate").dropped[Drop.SHUTDOWN] == 1


def test_every_running_camera_is_given_another_input(hall: Hall) -> None:
    hall.use(gate=camera(), yard=camera(enabled=False))
    hall.calls.clear()
    hall.crew.use_input(InputSpec(160, 224))
    assert hall.calls == ["gate use_input 224x160"]
    hall.use(gate=camera(), yard=camera(), door=camera())
    assert hall.inputs[-1] == InputSpec(160, 224), "who joins later too"


def test_after_a_failure_the_way_back_starts_from_what_runs(hall: Hall) -> None:
    hall.crew.stop(0.0, ["gate"])
    hall.use(gate=camera(), yard=camera())
    assert hall.lives("gate") == ["stopped", "running"]
    assert hall.lives("yard") == ["running"]


def pause(hall: Hall, name: str, *, paused: bool = True) -> None:
    hall.seat(name).pause(paused)
    hall.crew.follow_pauses()


def test_a_paused_camera_closes_its_stream_and_its_books_balance(hall: Hall) -> None:
    hall.threads["gate"][0].put()
    pause(hall, "gate")
    assert (hall.lives("gate"), hall.lives("yard")) == (["stopped"], ["running"])
    status = hall.seat("gate").status.now()
    assert (status.state, status.reason) == (CameraState.DISABLED, PAUSED)
    assert hall.statuses("gate") == ["connecting", "disabled"]
    page = hall.page("gate")
    assert (page.captured, page.dropped[Drop.SHUTDOWN], page.in_flight) == (1, 1, 0)
    hall.crew.follow_pauses()
    assert hall.lives("gate") == ["stopped"]


def test_nothing_is_said_or_shown_of_what_a_paused_camera_saw(hall: Hall) -> None:
    gate = hall.seat("gate")
    hall.answer(gate)
    gate.pause(True)
    assert gate.sight is None, "its last picture is gone"
    assert hall.answer(gate) is None, "an answer that was on its way when it was paused"
    assert gate.sight is None


def test_a_resumed_camera_is_opened_anew_and_its_numbers_go_on(hall: Hall) -> None:
    hall.answer(hall.seat("gate"))
    pause(hall, "gate")
    pause(hall, "gate", paused=False)
    assert hall.lives("gate") == ["stopped", "running"]
    assert hall.dispatched("gate") == ["gate"]
    hall.answer(hall.seat("gate"))
    assert hall.seat("gate").numbers.seq == 2


def test_a_camera_that_was_paused_and_resumed_before_anybody_looked_goes_on(hall: Hall) -> None:
    hall.seat("gate").pause(True)
    pause(hall, "gate", paused=False)
    assert hall.lives("gate") == ["running"]


def test_a_reload_leaves_a_paused_camera_paused(hall: Hall) -> None:
    pause(hall, "gate")
    hall.use(gate=camera(priority=3), yard=camera())
    hall.use(gate=camera(transport="udp"), yard=camera())
    assert hall.lives("gate") == ["stopped"]
    assert hall.seat("gate").status.now().reason == PAUSED
    pause(hall, "gate", paused=False)
    assert hall.seat("gate").worker is hall.threads["gate"][-1]
    assert hall.lives("gate") == ["stopped", "running"]


def test_a_camera_that_was_paused_before_its_start_is_not_opened() -> None:
    hall = Hall()
    hall.roster.use({"gate": camera()}, score_threshold=0.4)
    hall.seat("gate").pause(True)
    hall.use(gate=camera())
    assert hall.threads == {}
    assert hall.statuses("gate") == ["connecting", "disabled"]


def test_a_camera_that_the_file_turns_off_gives_no_pause_as_the_reason(hall: Hall) -> None:
    pause(hall, "gate")
    hall.use(gate=camera(enabled=False), yard=camera())
    assert hall.seat("gate").status.now().reason == ""
    hall.use(gate=camera(), yard=camera())
    assert hall.seat("gate").status.now().reason == PAUSED


def test_a_camera_that_failed_for_good_is_tried_again_when_it_is_resumed(hall: Hall) -> None:
    hall.seat("gate").status.change(CameraState.FAILED, reason="config")
    pause(hall, "gate")
    status = hall.seat("gate").status.now()
    assert (status.reason, status.lost_reason) == (PAUSED, ""), "it is not looked for any more"
    pause(hall, "gate", paused=False)
    assert hall.lives("gate") == ["stopped", "running"]
