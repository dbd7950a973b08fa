"""Cameras join, leave and are stopped; what is theirs is cleared away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config.camera import CameraConfig
from daemon.books.accounting import Drop, Ledger
from daemon.books.states import CameraState, StatusBoard
from daemon.cameras.fleet import Fleet
from daemon.pipeline.policy import BatchPolicy
from daemon.pipeline.slot import Slot, SlotBoard, Waiting
from detector.letterbox import InputSpec
from tests.support.fakes import FakeClock, frame


def camera(*, enabled: bool = True, priority: int = 1) -> CameraConfig:
    return CameraConfig(url="synthetic://64x48", enabled=enabled, priority=priority)


class FakeWorker:
    """A camera's thread that needs `takes_s` to end; writes into `calls` what it is told."""

    def __init__(
        self,
        name: str,
        slot: Slot,
        ledger: Ledger,
        *,
        calls: list[str],
        end: Callable[[float], bool],
    ) -> None:
        self.name = name
        self.slot = slot
        self.ledger = ledger
        self._calls = calls
        self._end = end

    def start(self) -> None:
        self._calls.append(f"start {self.name}")

    def use_input(self, spec: InputSpec) -> None:
        self._calls.append(f"use_input {self.name} {spec.width}x{spec.height}")

    def request_stop(self) -> None:
        self._calls.append(f"request_stop {self.name}")

    def join(self, timeout_s: float) -> bool:
        self._calls.append(f"join {self.name} {timeout_s:g}")
        return self._end(timeout_s)


class Yard:
    """A fleet whose workers are fakes; those in `takes_s` need that long to end."""

    def __init__(self, takes_s: dict[str, float] | None = None) -> None:
        self.takes_s = takes_s or {}
        self.clock = FakeClock()
        self.slots = SlotBoard()
        self.policy = BatchPolicy(max_batch=8, max_delay_s=0.01, is_live=lambda _: False)
        self.board = StatusBoard(["gate", "yard", "spare"], self.clock)
        self.calls: list[str] = []
        self.workers: dict[str, FakeWorker] = {}
        self.fleet = Fleet(
            self.slots, self.policy, self.board, open_worker=self._open, clock=self.clock
        )

    def dispatched(self, *cameras: str) -> tuple[str, ...]:
        """What the batcher would take if all of these had delivered now."""
        now_s = self.clock.now_s()
        for name in cameras:
            self.workers[name].slot.put(frame(name, now_s))
        waiting, _ = self.slots.view(oldest_s=0.0)
        return self.policy.decide(waiting, now_s, free_s=now_s).batch

    def _open(self, name: str, camera: CameraConfig, slot: Slot, ledger: Ledger) -> FakeWorker:
        def end(timeout_s: float) -> bool:
            needs_s = self.takes_s.get(name, 0.0)
            self.clock.advance(min(needs_s, timeout_s))
            return needs_s <= timeout_s

        worker = FakeWorker(name, slot, ledger, calls=self.calls, end=end)
        self.workers[name] = worker
        return worker


@pytest.fixture
def yard() -> Yard:
    return Yard()


def test_a_camera_has_its_slot_turn_and_books_before_its_thread_starts() -> None:
    yard = Yard()
    seen: list[list[str]] = []

    class Looking(FakeWorker):
        def start(self) -> None:
            seen.append(yard.slots.cameras())
            self.slot.put(frame(self.name, 100.0))

    def open_worker(name: str, _camera: CameraConfig, slot: Slot, ledger: Ledger) -> FakeWorker:
        return Looking(name, slot, ledger, calls=[], end=lambda _: True)

    fleet = Fleet(yard.slots, yard.policy, yard.board, open_worker=open_worker, clock=yard.clock)
    fleet.add("gate", camera())
    assert seen == [["gate"]]
    assert fleet.ledger("gate").page().captured == 1
    assert yard.dispatched() == ("gate",)


def test_workers_are_given_what_is_theirs(yard: Yard) -> None:
    yard.fleet.add("gate", camera())
    yard.fleet.add("yard", camera())
    assert yard.calls == ["start gate", "start yard"]
    for name, worker in yard.workers.items():
        assert worker.slot.camera == name
        assert worker.ledger is yard.fleet.ledger(name)
        assert worker.slot.ledger is worker.ledger


def test_priorities_are_told_to_the_batcher(yard: Yard) -> None:
    yard.fleet.add("gate", camera())
    yard.fleet.add("yard", camera(priority=4))
    yard.policy.served(["gate", "yard"], yard.clock.now_s())
    assert yard.dispatched("gate", "yard") == ("yard", "gate")


def test_a_disabled_camera_has_books_and_a_state_and_nothing_else(yard: Yard) -> None:
    yard.fleet.add("spare", camera(enabled=False))
    assert yard.board.get("spare").state is CameraState.DISABLED
    assert yard.workers == {}
    assert yard.slots.cameras() == []
    assert yard.fleet.ledger("spare").page().captured == 0
    assert yard.fleet.stop(1.0) == []


def test_all_are_asked_to_stop_before_any_is_waited_for(yard: Yard) -> None:
    for name in ("gate", "yard"):
        yard.fleet.add(name, camera())
    yard.calls.clear()
    assert yard.fleet.stop(1.0) == []
    assert yard.calls == ["request_stop gate", "request_stop yard", "join gate 1", "join yard 1"]


def test_the_time_to_stop_is_shared_and_the_blocked_are_named() -> None:
    yard = Yard({"gate": 60.0, "spare": 60.0})
    for name in ("gate", "yard", "spare"):
        yard.fleet.add(name, camera())
    started_s = yard.clock.now_s()
    assert yard.fleet.stop(1.0) == ["gate", "spare"]
    assert yard.clock.now_s() - started_s == pytest.approx(1.0)
    assert yard.calls[-3:] == ["join gate 1", "join yard 0", "join spare 0"]


def test_frames_that_wait_and_frames_of_blocked_cameras_are_dropped_as_shutdown() -> None:
    yard = Yard({"gate": 60.0})
    for name in ("gate", "yard"):
        yard.fleet.add(name, camera())
        yard.workers[name].slot.put(frame(name, 100.0))
    yard.fleet.stop(1.0)
    yard.workers["gate"].slot.put(frame("gate", 101.0))
    for name, captured in (("gate", 2), ("yard", 1)):
        page = yard.fleet.ledger(name).page()
        assert (page.captured, page.dropped[Drop.SHUTDOWN]) == (captured, captured)
        assert page.balanced
    assert yard.slots.cameras() == []


def test_a_stopped_camera_has_no_turn_any_more(yard: Yard) -> None:
    yard.fleet.add("gate", camera())
    late = [Waiting("gate", yard.clock.now_s())]
    assert yard.policy.decide(late, yard.clock.now_s(), free_s=0.0).batch == ("gate",)
    yard.fleet.stop(1.0)
    assert yard.policy.decide(late, yard.clock.now_s(), free_s=0.0).batch == ()


def test_books_outlive_their_camera(yard: Yard) -> None:
    yard.fleet.add("gate", camera())
    yard.workers["gate"].slot.put(frame("gate", 100.0))
    yard.fleet.stop(1.0)
    assert yard.fleet.ledger("gate").page().captured == 1


def test_cameras_leave_alone_and_come_back_to_their_books(yard: Yard) -> None:
    for name in ("gate", "yard"):
        yard.fleet.add(name, camera())
        yard.workers[name].slot.put(frame(name, 100.0))
    yard.calls.clear()
    assert yard.fleet.stop(1.0, ["gate"]) == []
    assert yard.calls == ["request_stop gate", "join gate 1"]
    assert yard.slots.cameras() == ["yard"]
    assert list(yard.fleet.configs()) == ["yard"]
    yard.fleet.add("gate", camera(priority=3))
    yard.workers["gate"].slot.put(frame("gate", 101.0))
    page = yard.fleet.page("gate")
    assert (page.captured, page.dropped[Drop.SHUTDOWN], page.in_flight) == (2, 1, 1)
    assert yard.fleet.configs()["gate"].priority == 3


def test_books_of_a_forgotten_camera_stay_until_its_last_frame_is_settled(yard: Yard) -> None:
    yard.fleet.add("gate", camera())
    yard.workers["gate"].slot.put(frame("gate", 100.0))
    assert yard.slots.take(["gate"])
    yard.fleet.stop(1.0, ["gate"])
    yard.fleet.forget("gate")
    yard.fleet.ledger("gate").inferred()
    assert yard.fleet.page("gate").balanced
    yard.fleet.add("yard", camera())
    yard.fleet.stop(1.0, ["yard"])
    yard.fleet.forget("yard")
    assert yard.fleet.page("gate") == yard.fleet.page("yard") == Ledger().page()
    yard.fleet.add("gate", camera())
    assert yard.fleet.page("gate").captured == 0


def test_a_camera_that_comes_back_before_its_last_frame_is_settled_keeps_its_books(
    yard: Yard,
) -> None:
    yard.fleet.add("gate", camera())
    yard.workers["gate"].slot.put(frame("gate", 100.0))
    assert yard.slots.take(["gate"])
    yard.fleet.stop(1.0, ["gate"])
    yard.fleet.forget("gate")
    yard.fleet.add("gate", camera())
    yard.fleet.ledger("gate").inferred()
    yard.fleet.forget("yard")
    assert yard.fleet.page("gate").inferred == 1


def test_another_priority_changes_the_turn_and_nothing_else(yard: Yard) -> None:
    for name in ("gate", "yard"):
        yard.fleet.add(name, camera())
    yard.calls.clear()
    yard.fleet.retune("yard", camera(priority=4))
    yard.policy.served(["gate", "yard"], yard.clock.now_s())
    assert yard.dispatched("gate", "yard") == ("yard", "gate")
    assert yard.calls == []
    assert yard.fleet.configs()["yard"].priority == 4


def test_every_running_camera_hears_of_another_input(yard: Yard) -> None:
    yard.fleet.add("gate", camera())
    yard.fleet.add("spare", camera(enabled=False))
    yard.calls.clear()
    yard.fleet.use_input(InputSpec(160, 224))
    assert yard.calls == ["use_input gate 224x160"]


def test_a_camera_that_stays_blocked_is_named_until_its_thread_ends() -> None:
    yard = Yard({"gate": 60.0})
    yard.fleet.add("gate", camera())
    assert yard.fleet.stop(1.0, ["gate"]) == ["gate"]
    started_s = yard.clock.now_s()
    assert yard.fleet.stop(1.0) == ["gate"]
    assert yard.clock.now_s() == started_s, "it was waited for once"
    yard.takes_s.clear()
    assert yard.fleet.stop(1.0) == []


def test_a_second_stop_changes_nothing(yard: Yard) -> None:
    yard.fleet.add("gate", camera())
    assert yard.fleet.stop(1.0) == []
    assert yard.fleet.stop(1.0) == []
