"""One camera's worker with a real slot, books and status, and a consumer that keeps count."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.camera import CameraConfig
from daemon.books.accounting import Page
from daemon.books.states import CameraState, CameraStatus
from daemon.capture import CameraWorker, OpenSource, open_source
from daemon.clock import SystemClock
from daemon.pipeline.frame import Frame
from daemon.pipeline.slot import SlotBoard
from daemon.seats.counting import Damage, Uncounted
from detector.letterbox import InputSpec
from tests.support.fakes import seat_of

INPUT = InputSpec(96, 128)


class Heard(Uncounted):
    """What metrics would have heard."""

    def __init__(self) -> None:
        self.connects: list[float] = []
        self.intervals: list[float] = []
        self.errors: list[Damage] = []
        self.behind_s: list[float] = []

    def observe_connect(self, seconds: float) -> None:
        self.connects.append(seconds)

    def observe_frame_interval(self, seconds: float) -> None:
        self.intervals.append(seconds)

    def observe_camera_clock(self, behind_s: float) -> None:
        self.behind_s.append(behind_s)

    def count_decode_error(self, damage: Damage) -> None:
        self.errors.append(damage)


class CaptureRig:
    """A running camera. `frames` holds what a consumer took out of the slot."""

    def __init__(
        self,
        camera: CameraConfig,
        *,
        name: str = "cam",
        random: Callable[[], float] = lambda: 0.5,
        opener: OpenSource = open_source,
        input_spec: InputSpec = INPUT,
    ) -> None:
        self.name = name
        self.slots = SlotBoard()
        self.clock = SystemClock()
        self.history: list[CameraStatus] = []
        self.observer = Heard()
        self.seat = seat_of(
            name, camera, clock=self.clock, tell=self.history.append, counts=self.observer
        )
        self.frames: list[Frame] = []
        self.worker = CameraWorker(
            self.seat,
            input_spec=input_spec,
            slot=self.slots.open(self.seat),
            clock=self.clock,
            open_source=opener,
            random=random,
        )
        self._consuming = threading.Event()
        self._consumer = threading.Thread(
            target=self._consume, name=f"consumer:{name}", daemon=True
        )

    @property
    def page(self) -> Page:
        return self.seat.ledger.page()

    @property
    def status(self) -> CameraStatus:
        return self.seat.status.now()

    def reasons(self, state: CameraState = CameraState.BACKOFF) -> list[str]:
        """Why the camera was in that state, each time."""
        return [status.reason for status in self.history if status.state is state]

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait until the condition holds."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline_s, f"{self.status} {self.page}"
            time.sleep(0.005)

    def wait_for_frames(self, count: int, timeout_s: float = 10.0) -> None:
        """Wait until the consumer holds that many frames."""
        self.wait_for(lambda: len(self.frames) >= count, timeout_s)

    def wait_for_state(self, state: CameraState, timeout_s: float = 10.0) -> None:
        self.wait_for(lambda: self.status.state is state, timeout_s)

    def start(self) -> None:
        self._consumer.start()
        self.worker.start()

    def stop(self, within_s: float = 5.0) -> None:
        """Stop and check the books: nothing in flight, nothing lost without a name."""
        self.worker.request_stop()
        stopped = self.worker.join(within_s)
        self._consuming.set()
        self._consumer.join()
        assert stopped, "the camera's thread did not end in time"
        page = self.page
        assert page.balanced, page
        assert page.in_flight == 0, page
        assert page.inferred == len(self.frames)

    def _consume(self) -> None:
        while not self._consuming.is_set() or len(self.slots):
            for frame in self.slots.take([self.seat]):
                self.frames.append(frame)
                self.seat.ledger.inferred()
            time.sleep(0.002)


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Threads and file descriptors are as many afterwards as before."""
    threads, descriptors = threading.active_count(), open_descriptors()
    yield
    assert threading.active_count() == threads
    assert open_descriptors() == descriptors


@contextmanager
def running(url: str, *, rig: dict[str, Any] | None = None, **fields: Any) -> Iterator[CaptureRig]:
    """Run one camera; the books are checked at the end."""
    capture = CaptureRig(CameraConfig.model_validate({"url": url, **fields}), **(rig or {}))
    capture.start()
    try:
        yield capture
    finally:
        capture.stop()


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
