"""The cameras that run: each with its thread, slot and books; joined and left one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from config.schema import CameraConfig
from daemon.accounting import Ledger
from daemon.batching import BatchPolicy
from daemon.clock import Clock
from daemon.slot import Slot, SlotBoard
from daemon.states import CameraState, StatusBoard


class Worker(Protocol):
    """A camera's thread; `daemon.capture.worker.CameraWorker` in life."""

    def start(self) -> None: ...

    def request_stop(self) -> None:
        """Ask it to end; returns at once."""
        ...

    def join(self, timeout_s: float) -> bool:
        """False if it is still busy after that long."""
        ...


class OpenWorker(Protocol):
    """Makes the thread of one camera."""

    def __call__(self, name: str, camera: CameraConfig, slot: Slot, ledger: Ledger) -> Worker: ...


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera that was started; `worker` is None for one with `enabled: false`."""

    config: CameraConfig
    ledger: Ledger
    worker: Worker | None


class Fleet:
    """Starts and stops cameras. Used by the main thread; read by any."""

    def __init__(
        self,
        slots: SlotBoard,
        policy: BatchPolicy,
        board: StatusBoard,
        *,
        open_worker: OpenWorker,
        clock: Clock,
    ) -> None:
        self._slots = slots
        self._policy = policy
        self._board = board
        self._open_worker = open_worker
        self._clock = clock
        self._cameras: dict[str, Camera] = {}
        self._ledgers: dict[str, Ledger] = {}

    def ledger(self, name: str) -> Ledger:
        """The books of a camera; they are kept for as long as the process lives."""
        return self._ledgers.setdefault(name, Ledger())

    def add(self, name: str, config: CameraConfig) -> None:
        """Give a camera its place and start its thread."""
        ledger = self.ledger(name)
        if not config.enabled:
            self._board.change(name, CameraState.DISABLED)
            self._cameras[name] = Camera(config, ledger, None)
            return
        self._policy.join(name, config.priority)
        slot = self._slots.add(name, ledger)
        worker = self._open_worker(name, config, slot, ledger)
        self._cameras[name] = Camera(config, ledger, worker)
        worker.start()

    def stop(self, timeout_s: float) -> list[str]:
        """Stop all cameras and empty their slots; returns those whose thread is still blocked.

        A blocked thread sits in FFmpeg, which only its own timeout ends; what it still delivers is
        dropped as `shutdown`. May be called again.
        """
        workers = {name: camera.worker for name, camera in self._cameras.items() if camera.worker}
        self._cameras = {}
        for worker in workers.values():
            worker.request_stop()
        deadline_s = self._clock.now_s() + timeout_s
        blocked = [
            name
            for name, worker in workers.items()
            if not worker.join(max(0.0, deadline_s - self._clock.now_s()))
        ]
        for name in workers:
            self._policy.leave(name)
            self._slots.remove(name)
        return blocked
