"""Slots → batches → detector → results: three threads and the two hand-overs between them.

```
slots ──batching──▶ [1 batch] ──inference──▶ [4 batches] ──results──▶ publish
```

`batching` decides and copies while the batch before runs, and hands over one batch ahead, no more:
frames wait in their slots, where a newer one replaces them. `inference` does nothing but run the
detector. `results` filters and publishes; it never blocks, so its short queue loses nothing.

A batch runs on the detector that it was assembled for, and its results say which one that was: so
the detector can be replaced between two batches, whatever is on its way.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from msgspec import Struct

from daemon.books.accounting import Drop
from daemon.clock import Clock
from daemon.pipeline.batch import Batch, BatchAssembler
from daemon.pipeline.frame import Frame
from daemon.pipeline.merging import merged
from daemon.pipeline.occupancy import Occupancy
from daemon.pipeline.policy import BatchPolicy, Trigger
from daemon.pipeline.refit import fitting
from daemon.pipeline.runner import DetectorRunner, Outcome
from daemon.pipeline.slot import SlotBoard
from daemon.tracking.families import families
from detector.api import Detector, InferenceError
from detector.detections import Detections

log = logging.getLogger(__name__)
T = TypeVar("T")

ASSEMBLY_LEAD_S = 0.002  # begin assembling this long before the accelerator should be free
RESULTS_AHEAD = 4  # batches of results that may wait; the consumer never blocks


@dataclass(frozen=True, slots=True)
class PipelineSetup:
    """What the pipeline works with; replaced as a whole."""

    detector: Detector
    max_delay_s: float
    max_age_s: float
    max_detections: int = 100  # of one frame


class Timing(Struct, frozen=True):
    """Monotonic times on a frame's way; capture is in the frame."""

    taken_s: float  # left its slot
    dispatched_s: float  # given to the detector
    answered_s: float  # came back


class Result(Struct, frozen=True, eq=False):
    """The answer for one frame: `detections`, or None and the reason why there is none."""

    detector: Detector
    frame: Frame
    detections: Detections | None
    error: str | None
    timing: Timing


@dataclass(frozen=True, slots=True)
class _Answered:
    """A batch after the detector. Its pixels are another batch's by now."""

    batch: Batch
    outcome: Outcome
    timing: Timing


class PipelineObserver(Protocol):
    """What the pipeline tells of itself; called from the results thread. What concerns one camera
    is told to `Seat.counts`.
    """

    def observe_batch(self, *, size: int, bucket: int, trigger: Trigger, wait_s: float) -> None:
        """A batch of `size` rows was run; its oldest frame had waited `wait_s` to be taken."""
        ...

    def observe_inference(self, model: str, bucket: int, seconds: float) -> None:
        """A batch came back."""
        ...

    def count_inference_error(self, model: str, reason: str) -> None:
        """A run of the detector gave no answer; it may have been tried again."""
        ...


class Pipeline:
    """Owns the three threads. `start` once, `stop` once; `stop` is bounded in time."""

    def __init__(
        self,
        setup: PipelineSetup,
        slots: SlotBoard,
        policy: BatchPolicy,
        *,
        publish: Callable[[Result], None],
        observer: PipelineObserver,
        clock: Clock,
    ) -> None:
        self._setup = setup
        self._slots = slots
        self._policy = policy
        self._publish = publish
        self._observer = observer
        self._clock = clock
        self.occupancy = Occupancy()
        self._runner = DetectorRunner(clock)
        self._assembler = BatchAssembler(setup.detector)  # the batching thread's
        self._ran = setup.detector  # the inference thread's
        self._ahead = threading.Semaphore(1)  # held while an assembled batch waits
        self._batches: queue.Queue[Batch | None] = queue.Queue(2)
        self._answers: queue.Queue[_Answered | None] = queue.Queue(RESULTS_AHEAD)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=target, name=name)
            for name, target in (
                ("batching", self._batch_until_stopped),
                ("inference", self._infer_until_stopped),
                ("results", self._publish_until_stopped),
            )
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def use(self, setup: PipelineSetup) -> None:
        """Work with this from the next batch on; a new detector must be warm. Any thread."""
        self._setup = setup
        self._slots.wake()

    def stop(self, timeout_s: float) -> bool:
        """Finish what was dispatched, publish it, end; False if a thread is still busy then."""
        self._stopping.set()
        self._slots.wake()
        deadline_s = self._clock.now_s() + timeout_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline_s - self._clock.now_s()))
        return not any(thread.is_alive() for thread in self._threads)

    def dead_threads(self) -> list[str]:
        """Names of the threads that ended although nobody stopped them: a bug."""
        return [thread.name for thread in self._threads if not thread.is_alive()]

    def failure(self) -> InferenceError | None:
        """Set once the detector has failed so long that only a new process may help."""
        return self._runner.failure()

    def max_batch(self) -> int:
        """Most rows that go into one batch now; fewer once memory has run out."""
        return self._runner.max_batch(self._setup.detector)

    def _batch_until_stopped(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._ahead.acquire(timeout=0.5):
                    batch = self._next_batch()
                    if batch is None:
                        self._ahead.release()
                    else:
                        self._batches.put(batch)
        finally:  # even after a bug the threads behind this one end in order
            self._batches.put(None)

    def _next_batch(self) -> Batch | None:
        """Wait for a batch to be due and assemble it; None when told to stop."""
        while not self._stopping.is_set():
            setup = self._setup
            self._take_up(setup)
            now_s = self._clock.now_s()
            waiting, arrivals = self._slots.view(oldest_s=now_s - setup.max_age_s)
            self._policy.arrived(arrivals)
            free_s = self.occupancy.free_s(now_s) - ASSEMBLY_LEAD_S
            decision = self._policy.decide(waiting, now_s, free_s=free_s)
            most_rows = self._runner.max_batch(setup.detector)
            if frames := self._slots.take(decision.batch, most_rows=most_rows):
                rows = [len(frame.rows) for frame in frames]
                self._policy.served([frame.seat for frame in frames], now_s, rows=rows)
                if frames := fitting(frames, setup.detector, lost=_lost):
                    return self._assembler.assemble(frames, decision.trigger, now_s)
            if decision.batch:  # its cameras left meanwhile: the others must not wait for it
                continue
            timeout_s = None if decision.wake_s is None else max(0.0, decision.wake_s - now_s)
            self._slots.wait(timeout_s, for_arrivals=decision.wake_on_arrival)
        return None

    def _take_up(self, setup: PipelineSetup) -> None:
        if setup.detector is not self._assembler.detector:
            self._assembler = BatchAssembler(setup.detector)
        max_batch = self._runner.max_batch(setup.detector)
        self._policy.limit(max_batch=max_batch, max_delay_s=setup.max_delay_s)

    def _infer_until_stopped(self) -> None:
        try:
            while (batch := self._batches.get()) is not None:
                if (answered := self._infer(batch)) is not None:
                    self._answers.put(answered)
        finally:
            self._answers.put(None)

    def _infer(self, batch: Batch) -> _Answered | None:
        """Run one batch and close the books of its frames; None if all of them were stale.

        What can be done later is left to the results thread: the accelerator idles meanwhile.
        """
        dispatched_s = self._clock.now_s()
        batch = self._fresh(batch, dispatched_s)
        if not batch.frames:
            self._ahead.release()
            return None
        if batch.detector is not self._ran:
            self._ran = batch.detector
            self.occupancy.forget()
        self.occupancy.started(batch.bucket, dispatched_s)
        self._ahead.release()  # from here on the batch after this one may be assembled
        outcome = self._runner.run(batch)
        answered_s = self._clock.now_s()
        self.occupancy.finished(answered_s)
        self._slots.wake()
        for frame in batch.frames:
            if outcome.error is None:
                frame.seat.ledger.inferred()
            else:
                frame.seat.ledger.dropped(Drop.INFER_ERROR)
        timing = Timing(batch.taken_s, dispatched_s, answered_s)
        return _Answered(batch, outcome, timing)

    def _fresh(self, batch: Batch, now_s: float) -> Batch:
        """Without the frames that became too old while the batch before took longer than usual."""
        oldest_s = now_s - self._setup.max_age_s
        stale = [frame for frame in batch.frames if frame.captured_s < oldest_s]
        for frame in stale:
            frame.seat.ledger.dropped(Drop.STALE)
        return batch.without(stale) if stale else batch

    def _publish_until_stopped(self) -> None:
        while (answered := self._answers.get()) is not None:
            self._guarded(self._observe, answered)
            batch, outcome = answered.batch, answered.outcome
            for frame, answers in zip(batch.frames, outcome.answers, strict=True):
                self._guarded(self._conclude, (answered, frame, answers))

    def _conclude(self, of: tuple[_Answered, Frame, tuple[Detections, ...] | None]) -> None:
        answered, frame, answers = of
        detector = answered.batch.detector
        found = None
        if answers is not None:
            shown = [row.letterbox for row in frame.rows]
            most = self._setup.max_detections
            found = merged(shown, answers, families(detector.labels), most=most)
        result = Result(detector, frame, found, answered.outcome.error, answered.timing)
        self._publish(result)

    def _guarded(self, tell: Callable[[T], None], what: T) -> None:
        """A defect of an observer or publisher costs this one, not the results of every camera."""
        try:
            tell(what)
        except Exception:
            log.exception("a result could not be told")

    def _observe(self, answered: _Answered) -> None:
        batch, timing, observer = answered.batch, answered.timing, self._observer
        oldest_s = min(frame.captured_s for frame in batch.frames)
        observer.observe_batch(
            size=len(batch.letterboxes),
            bucket=batch.bucket,
            trigger=batch.trigger,
            wait_s=timing.taken_s - oldest_s,
        )
        model = batch.detector.name
        if answered.outcome.error is None:
            took_s = timing.answered_s - timing.dispatched_s
            observer.observe_inference(model, batch.bucket, took_s)
        for reason in answered.outcome.failures:
            observer.count_inference_error(model, reason)
        for frame in batch.frames:
            frame.seat.counts.count_rows(len(frame.rows))
            frame.seat.counts.observe_frame(
                age_at_dispatch_s=timing.dispatched_s - frame.captured_s,
                queue_wait_s=timing.taken_s - frame.captured_s,
            )


def _lost(frame: Frame) -> None:
    """It cannot be scaled for the detector that runs now."""
    frame.seat.ledger.dropped(Drop.PREPROCESS_ERROR)
