"""Who is here: each camera gets its seat, slot, turn and thread, and leaves with all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from config.camera import CameraConfig
from daemon.books.states import CameraState
from daemon.clock import Clock
from daemon.pipeline.policy import BatchPolicy
from daemon.pipeline.slot import Slot, SlotBoard
from daemon.reload.changes import camera_changes
from daemon.seats.rules import CameraRules
from daemon.seats.seat import Numbers, Seat, Worker
from daemon.seats.sight import Sight
from detector.letterbox import InputSpec

log = logging.getLogger(__name__)

STOP_S = 0.8  # for all cameras that are stopped at once


class MakeSeat(Protocol):
    """Makes the seat of a camera, with who is told of its states and who counts its frames."""

    def __call__(
        self, name: str, config: CameraConfig, *, rules: CameraRules, numbers: Numbers
    ) -> Seat: ...


class Roster:
    """Seats cameras, starts and stops them: the main thread. Any thread may ask who is here."""

    def __init__(
        self,
        slots: SlotBoard,
        policy: BatchPolicy,
        *,
        make_seat: MakeSeat,
        open_worker: Callable[[Seat, Slot], Worker],
        clock: Clock,
    ) -> None:
        self._slots = slots
        self._policy = policy
        self._make_seat = make_seat
        self._open_worker = open_worker
        self._clock = clock
        self._seats: Mapping[str, Seat] = {}  # in the order of the file; replaced as a whole
        self._started: frozenset[Seat] = frozenset()
        self._numbers: dict[str, Numbers] = {}  # of every name that there has been
        self._blocked: list[tuple[Seat, Worker]] = []  # told to stop, and still busy

    def seats(self) -> Collection[Seat]:
        """Every camera, in the order of the file."""
        return self._seats.values()

    def get(self, name: str) -> Seat | None:
        """None for a camera that is not there."""
        return self._seats.get(name)

    def latest(self, camera: str) -> Sight | None:
        """See `daemon.seats.sight.Sights`."""
        seat = self._seats.get(camera)
        return seat.sight if seat else None

    def given_up(self) -> frozenset[str]:
        """Cameras that will not be tried again by themselves."""
        statuses = [seat.status.now() for seat in self.seats()]
        return frozenset(s.camera for s in statuses if s.state is CameraState.FAILED)

    def seat(self, cameras: Mapping[str, CameraConfig], *, score_threshold: float | None) -> None:
        """Give each of these a seat, and those that have one these rules; who has none of these
        names leaves. Nothing is started.
        """
        before = self._seats
        seats = {}
        for name, config in cameras.items():
            rules = CameraRules(config, score_threshold=score_threshold)
            seat = before.get(name)
            if seat is None:
                numbers = self._numbers.setdefault(name, Numbers())
                seat = self._make_seat(name, config, rules=rules, numbers=numbers)
            else:
                seat.retune(config, rules)
            seats[name] = seat
        self._seats = seats
        for name, seat in before.items():
            if name not in seats:
                seat.leave()

    def use(
        self,
        cameras: Mapping[str, CameraConfig],
        *,
        score_threshold: float | None,
        again: Collection[str] = (),
    ) -> None:
        """Make these the cameras that run. The stream of one that is the same, or has only other
        rules, is not touched; those in `again` are opened anew in any case.
        """
        running = {seat.name: seat.config for seat in self._started}
        changes = camera_changes(running, cameras, given_up=again)
        self.stop(STOP_S, [*changes.removed, *changes.restarted])
        self.seat(cameras, score_threshold=score_threshold)
        for seat in self.seats():
            if seat not in self._started:
                self._start(seat)

    def use_input(self, spec: InputSpec) -> None:
        """The detector wants its pictures like this from now on; every stream goes on."""
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
            for seat in self.seats()
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
        seat.worker = None
        if seat.config.enabled:
            self._policy.join(seat)
            seat.worker = self._open_worker(seat, self._slots.open(seat))
            seat.worker.start()
        else:
            seat.status.change(CameraState.DISABLED)
        self._started |= {seat}
