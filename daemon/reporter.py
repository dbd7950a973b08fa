"""What the running daemon says of itself, put together when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config.schema import Config
from daemon.books.reports import (
    CameraReport,
    ConfigReport,
    ModelReport,
    QueueReport,
    Readiness,
    RecorderReport,
    SinkReport,
)
from daemon.cameras.roster import Roster
from daemon.clock import Clock
from daemon.outputs import Outputs
from daemon.pipeline.slot import SlotBoard
from daemon.pipeline.threads import Pipeline
from daemon.recording.recorder import Recorder
from daemon.reload.history import ReloadHistory
from daemon.reload.model import LoadedModel
from sinks.crowd import Attendance

STUCK_S = 20.0  # a batch that runs longer than this is a hang, not a slow machine


@dataclass
class Progress:
    """What the daemon runs with, and how far its start has come; written by the main thread, and
    while the model is loaded by its thread.
    """

    config: Config
    sinks_bound: bool = False
    capture_started: bool = False
    draining: bool = False
    model: LoadedModel | None = None
    pipeline: Pipeline | None = None


class DaemonReporter:
    """Implements `daemon.books.reports.Reporter`. Every method may be called from any thread."""

    def __init__(
        self,
        progress: Progress,
        *,
        roster: Roster,
        slots: SlotBoard,
        outputs: Outputs,
        site: Callable[[], Attendance],
        recorder: Recorder,
        history: ReloadHistory,
        clock: Clock,
    ) -> None:
        self._progress = progress
        self._roster = roster
        self._slots = slots
        self._outputs = outputs
        self._site = site
        self._recorder = recorder
        self._history = history
        self._clock = clock

    def cameras(self) -> Sequence[CameraReport]:
        return [
            CameraReport(seat.status.now(), seat.ledger.page(), seat.config)
            for seat in self._roster.seats()
        ]

    def queues(self) -> Sequence[QueueReport]:
        slots = QueueReport("slots", len(self._slots), len(self._roster.seats()))
        return [slots, *self._outputs.queues(), self._recorder.report().queue]

    def sinks(self) -> Sequence[SinkReport]:
        return self._outputs.reports()

    def attendances(self) -> Sequence[Attendance]:
        return [self._site(), *self._outputs.attendances()]

    def recorder(self) -> RecorderReport:
        return self._recorder.report()

    def model(self) -> ModelReport | None:
        model, pipeline = self._progress.model, self._progress.pipeline
        if model is None:
            return None
        detector = model.detector
        return ModelReport(
            detector.name,
            detector.precision,
            detector.labels,
            detector.weights_sha256,
            model.loaded_ns,
            model.warmup_s,
            pipeline.max_batch() if pipeline else detector.buckets[-1],
            detector.trace_count - model.traces,
        )

    def config(self) -> ConfigReport:
        return self._history.report()

    def readiness(self) -> Readiness:
        progress = self._progress
        return Readiness(
            model_warm=progress.model is not None,
            sinks_bound=progress.sinks_bound,
            capture_started=progress.capture_started,
            not_draining=not progress.draining,
        )

    def stuck(self) -> str | None:
        pipeline = self._progress.pipeline
        if pipeline is None:
            return None
        busy_s = pipeline.occupancy.busy_for_s(self._clock.now_s())
        if busy_s > STUCK_S:
            return f"the detector has been busy with one batch for {busy_s:.0f} s"
        dead = [] if self._progress.draining else pipeline.dead_threads()
        return f"thread {dead[0]} has died" if dead else None
