"""The cameras that run: each with its thread, slot and books; joined and left one at a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol

from config.camera import CameraConfig
from daemon.books.accounting import Ledger, Page
from daemon.books.states import CameraState, StatusBoard
from daemon.clock import Clock
from daemon.pipeline.policy import BatchPolicy
from daemon.pipeline.slot import Slot, SlotBoard
from detector.letterbox import InputSpec


class Worker(Protocol):
    """A camera's thread; `daemon.capture.worker.CameraWorker` in life."""

    def start(self) -> None: ...

    def use_input(self, spec: InputSpec) -> None:
        """Deliver frames for this input from now on."""
        ...

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
        self._leaving: set[str] = set()  # forgotten, with frames in flight the last time we looked
        self._blocked: list[tuple[str, Worker]] = []  # told to stop, and still busy

    def ledger(self, name: str) -> Ledger:
        """The books of a camera that was added; they go on when it is stopped and added again."""
        return self._ledgers[name]

    def page(self, name: str) -> Page:
        """What they say; empty for a camera that is not there."""
        ledger = self._ledgers.get(name)
        return (ledger or Ledger()).page()

    def configs(self) -> dict[str, CameraConfig]:
        """The cameras that were added, and how."""
        return {name: camera.config for name, camera in self._cameras.items()}

    def add(self, name: str, config: CameraConfig) -> None:
        """Give a camera its place and start its thread."""
        self._leaving.discard(name)
        ledger = self._ledgers.setdefault(name, Ledger())
        if not config.enabled:
            self._board.change(name, CameraState.DISABLED)
            self._cameras[name] = Camera(config, ledger, None)
            return
        self._policy.join(name, config.priority)
        slot = self._slots.add(name, ledger)
        worker = self._open_worker(name, config, slot, ledger)
        self._cameras[name] = Camera(config, ledger, worker)
        worker.start()

    def retune(self, name: str, config: CameraConfig) -> None:
        """Other rules or another priority; its thread goes on and hears nothing of it."""
        self._policy.reweigh(name, config.priority)
        self._cameras[name] = replace(self._cameras[name], config=config)

    def use_input(self, spec: InputSpec) -> None:
        """The detector wants its pictures like this from now on; every stream goes on."""
        for camera in self._cameras.values():
            if camera.worker:
                camera.worker.use_input(spec)

    def forget(self, name: str) -> None:
        """Close the books of a stopped camera, as soon as none of its frames is in flight."""
        self._leaving.add(name)
        for leaving in [name for name in self._leaving if self.page(name).in_flight == 0]:
            self._leaving.discard(leaving)
            self._ledgers.pop(leaving, None)

    def stop(self, timeout_s: float, names: Collection[str] | None = None) -> list[str]:
        """Stop these cameras, or all, and empty their slots; returns those whose thread is still
        blocked.

        A blocked thread sits in FFmpeg, which only its own timeout ends; what it still delivers is
        dropped as `shutdown`. May be called again.
        """
        leaving = [name for name in self._cameras if names is None or name in names]
        cameras = {name: self._cameras.pop(name) for name in leaving}
        workers = {name: camera.worker for name, camera in cameras.items() if camera.worker}
        for worker in workers.values():
            worker.request_stop()
        deadline_s = self._clock.now_s() + timeout_s
        self._blocked = [(name, worker) for name, worker in self._blocked if not worker.join(0.0)]
        self._blocked += [
            (name, worker)
            for name, worker in workers.items()
            if not worker.join(max(0.0, deadline_s - self._clock.now_s()))
        ]
        for name in workers:
            self._policy.leave(name)
            self._slots.remove(name)
        return [name for name, _ in self._blocked]
