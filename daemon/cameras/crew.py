"""The threads of the cameras: each with its slot and turn; they start and stop, seats stay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from config.camera import CameraConfig
from daemon.books.states import PAUSED, CameraState
from daemon.clock import Clock
from daemon.pipeline.policy import BatchPolicy
from daemon.pipeline.slot import Slot, SlotBoard
from daemon.reload.changes import camera_changes
from daemon.seats.roster import Roster
from daemon.seats.seat import Seat, Worker
from detector.letterbox import InputSpec

log = logging.getLogger(__name__)

STOP_S = 0.8  # for all cameras that are stopped at once


class OpenWorker(Protocol):
    """Makes the thread of one camera."""

    def __call__(self, seat: Seat, slot: Slot, input_spec: InputSpec) -> Worker: ...


class Crew:
    """Starts and stops cameras. Main thread; any thread may ask who gave up."""

    def __init__(
        self,
        roster: Roster,
        slots: SlotBoard,
        policy: BatchPolicy,
        *,
        input_spec: InputSpec,
        open_worker: OpenWorker,
        clock: Clock,
    ) -> None:
        self._roster = roster
        self._slots = slots
        self._policy = policy
        self._input_spec = input_spec
        self._open_worker = open_worker
        self._clock = clock
        self._started: frozenset[Seat] = frozenset()
        self._blocked: list[tuple[Seat, Worker]] = []  # told to stop, and still busy

    def given_up(self) -> frozenset[str]:
        """Cameras that will not be tried again by themselves."""
        statuses = [seat.status.now() for seat in self._roster.seats()]
        return frozenset(s.camera for s in statuses if s.state is CameraState.FAILED)

    def use(
        self,
        cameras: Mapping[str, CameraConfig],
        *,
        score_threshold: float | None,
        again: Collection[str] = (),
        seated: Callable[[Collection[Seat]], None] = lambda _: None,
    ) -> None:
        """Make these the cameras that run. The stream of one that is the same, or has only other
        rules, is not touched; those in `again` are opened anew in any case. `seated` is told of all
        before one is started.
        """
        running = {seat.name: seat.config for seat in self._started}
        changes = camera_changes(running, cameras, given_up=again)
        self.stop(STOP_S, [*changes.removed, *changes.restarted])
        self._roster.use(cameras, score_threshold=score_threshold)
        seated(self._roster.seats())
        for seat in self._roster.seats():
            if seat not in self._started:
                self._start(seat)

    def follow_pauses(self) -> None:
        """Close the streams of cameras that were paused, open those that were resumed."""
        turned = [
            seat
            for seat in self._started
            if seat.config.enabled and seat.paused is (seat.worker is not None)
        ]
        if turned:
            self.stop(STOP_S, [seat.name for seat in turned])
        for seat in turned:
            self._run(seat)

    def use_input(self, spec: InputSpec) -> None:
        """The detector wants its pictures like this from now on; every stream goes on."""
        self._input_spec = spec
        for seat in self._started:
            if seat.worker:
                seat.worker.use_input(spec)

    def stop(self, timeout_s: float, names: Collection[str] | None = None) -> bool:
        """Stop these cameras, or all, and empty their slots; False if a thread is still blocked.

        A blocked thread sits in FFmpeg, which only its own timeout ends; what it still delivers is
        dropped as `shutdown`. May be called again.
        """
        leaving = [
            seat
            for seat in self._roster.seats()
            if seat in self._started and (names is None or seat.name in names)
        ]
        self._started -= set(leaving)
        workers = [(seat, seat.worker) for seat in leaving if seat.worker]
        for _, worker in workers:
            worker.request_stop()
        deadline_s = self._clock.now_s() + timeout_s
        self._blocked = [(seat, worker) for seat, worker in self._blocked if not worker.join(0.0)]
        self._blocked += [
            (seat, worker)
            for seat, worker in workers
            if not worker.join(max(0.0, deadline_s - self._clock.now_s()))
        ]
        for seat, _ in workers:
            self._policy.leave(seat)
            self._slots.close(seat)
        for seat, _ in self._blocked:
            log.warning("camera is still blocked camera=%s", seat.name)
        return not self._blocked

    def _start(self, seat: Seat) -> None:
        """Give it its slot and turn, and start its thread."""
        seat.status.announce()
        self._run(seat)

    def _run(self, seat: Seat) -> None:
        seat.worker = None
        if not seat.config.enabled:
            seat.status.change(CameraState.DISABLED)
        elif seat.paused:
            seat.status.change(CameraState.DISABLED, reason=PAUSED)
        else:
            self._policy.join(seat)
            seat.worker = self._open_worker(seat, self._slots.open(seat), self._input_spec)
            seat.worker.start()
        self._started |= {seat}
