"""A pipeline with everything around it in reach of a test, and a detector held by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from daemon.books.accounting import Page, total
from daemon.clock import Clock
from daemon.pipeline.frame import Frame
from daemon.pipeline.policy import BatchPolicy, Trigger
from daemon.pipeline.slot import SlotBoard
from daemon.pipeline.threads import Pipeline, PipelineSetup, Result
from daemon.seats.counting import Uncounted
from tests.support.fakes import FakeClock, FakeDetector, frame, seat_of
from tests.support.waiting import PATIENCE_S

MAX_AGE_S = 0.5
MAX_DELAY_S = 0.01


class Gate:
    """A hook of the detector that holds every run until it is let through."""

    def __init__(self) -> None:
        self._entered = threading.Semaphore(0)
        self._let_through = threading.Semaphore(0)

    def __call__(self, _count: int) -> None:
        self._entered.release()
        self._let_through.acquire()

    def wait_entered(self) -> None:
        assert self._entered.acquire(timeout=PATIENCE_S), "the detector was not called"

    def let_through(self, runs: int = 1) -> None:
        self._let_through.release(runs)

    def open(self) -> None:
        self._let_through.release(1000)


class Notes:
    """A PipelineObserver that writes everything down."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, int, Trigger, float]] = []
        self.frames: list[tuple[str, float, float]] = []
        self.rows: list[tuple[str, int]] = []
        self.runs: list[tuple[int, float]] = []
        self.models: list[str] = []
        self.errors: list[str] = []

    def observe_batch(self, *, size: int, bucket: int, trigger: Trigger, wait_s: float) -> None:
        self.batches.append((size, bucket, trigger, wait_s))

    def observe_inference(self, model: str, bucket: int, seconds: float) -> None:
        self.models.append(model)
        self.runs.append((bucket, seconds))

    def count_inference_error(self, model: str, reason: str) -> None:
        self.errors.append(reason)


class FrameNotes(Uncounted):
    """Writes down what is told of one camera's frames; `rows` are those of each."""

    def __init__(self, camera: str, notes: Notes) -> None:
        self._camera = camera
        self._notes = notes

    def count_rows(self, rows: int) -> None:
        self._notes.rows.append((self._camera, rows))

    def observe_frame(self, *, age_at_dispatch_s: float, queue_wait_s: float) -> None:
        self._notes.frames.append((self._camera, age_at_dispatch_s, queue_wait_s))


class Rig:
    """A pipeline of cameras `a`, `b` … with everything around it in reach of the test."""

    def __init__(
        self,
        *,
        cameras: str = "abcd",
        detector: FakeDetector | None = None,
        hook: Callable[[int], None] | None = None,
        policy: BatchPolicy | None = None,
        publish: Callable[[Result], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.time = FakeClock()
        self.detector = detector or FakeDetector(4, hook)
        self.slots = SlotBoard()
        self.notes = Notes()
        self.seats = {
            name: seat_of(name, clock=self.time, counts=FrameNotes(name, self.notes))
            for name in cameras
        }
        self.policy = policy or BatchPolicy(
            max_batch=self.detector.buckets[-1], max_delay_s=MAX_DELAY_S
        )
        self._slots = {name: self.slots.open(seat) for name, seat in self.seats.items()}
        for seat in self.seats.values():
            self.policy.join(seat)
        self.results: list[Result] = []
        self.pipeline = Pipeline(
            self.setup(self.detector),
            self.slots,
            self.policy,
            publish=publish or self.results.append,
            observer=self.notes,
            clock=clock or self.time,
        )

    def setup(self, detector: FakeDetector, *, max_age_s: float = MAX_AGE_S) -> PipelineSetup:
        return PipelineSetup(detector, max_delay_s=MAX_DELAY_S, max_age_s=max_age_s)

    def put(self, camera: str, *, value: int = 0, age_s: float = 0.0, rows: int = 1) -> None:
        self.offer(self.frame(camera, self.time.now_s() - age_s, value=value, rows=rows))

    def frame(self, camera: str, captured_s: float, *, value: int = 0, rows: int = 1) -> Frame:
        return frame(self.seats[camera], captured_s, value=value, rows=rows)

    def offer(self, offered: Frame) -> None:
        self._slots[offered.camera].put(offered)

    def take_away(self, camera: str) -> None:
        """Its slot is closed, as the roster does when it stops a camera."""
        if self._slots.pop(camera, None):
            self.slots.close(self.seats[camera])

    def page(self, camera: str) -> Page:
        return self.seats[camera].ledger.page()

    def total(self) -> Page:
        return total(seat.ledger.page() for seat in self.seats.values())

    def answered(self) -> list[str]:
        """Cameras of the results, in the order of publication."""
        return [result.frame.camera for result in self.results]

    def finish(self) -> None:
        """Stop, and end the frames that wait as the roster does."""
        assert self.pipeline.stop(PATIENCE_S)
        for name in self.seats:
            self.take_away(name)


@contextmanager
def pipelines(gate: Gate) -> Iterator[Callable[..., Rig]]:
    """Makes running rigs; at the end the gate is opened, their threads must end, and their books
    must balance.
    """
    rigs: list[Rig] = []

    def make(*, started: bool = True, **options: object) -> Rig:
        rig = Rig(**options)  # type: ignore[arg-type]
        rigs.append(rig)
        if started:
            rig.pipeline.start()
        return rig

    try:
        yield make
    finally:
        gate.open()
    for rig in rigs:
        rig.finish()
        page = rig.total()
        assert page.balanced
        assert page.in_flight == 0
