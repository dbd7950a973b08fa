"""What the running daemon says of itself, put together when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Protocol

from daemon.books.reports import (
    CameraReport,
    ConfigReport,
    ModelReport,
    QueueReport,
    Readiness,
    RecorderReport,
    SinkReport,
)
from daemon.highlights.darkroom import Darkroom
from daemon.outputs import Outputs
from daemon.recording.recorder import Recorder
from daemon.reload.history import ReloadHistory
from daemon.seats.roster import Roster
from sinks.crowd import Attendance


class Stage(IntEnum):
    """How far the start has come."""

    CLOSED = 0
    OPEN = 1  # sinks and HTTP are bound
    WARM = 2  # there is a model, and it has run
    CAPTURING = 3  # every camera has been started


class Work(Protocol):
    """What can be asked of the daemon at work. Any thread."""

    def model(self) -> ModelReport | None: ...

    def waiting(self) -> int:
        """Frames in their slots."""
        ...

    def stuck(self) -> str | None: ...


class Nothing:
    """The work of a daemon whose model is still loaded."""

    def model(self) -> None:
        return None

    def waiting(self) -> int:
        return 0

    def stuck(self) -> None:
        return None


class DaemonReporter:
    """Implements `daemon.books.reports.Reporter`. Every method may be called from any thread;
    `stage`, `draining` and `begin` are the main thread's.
    """

    def __init__(
        self,
        *,
        roster: Roster,
        outputs: Outputs,
        site: Callable[[], Attendance],
        recorder: Recorder,
        highlights: Darkroom,
        history: ReloadHistory,
    ) -> None:
        self.stage = Stage.CLOSED
        self.draining = False
        self._work: Work = Nothing()
        self._roster = roster
        self._outputs = outputs
        self._site = site
        self._recorder = recorder
        self._highlights = highlights
        self._history = history

    def begin(self, work: Work) -> None:
        """The model is warm: this is the work from now on."""
        self._work = work
        self.stage = Stage.WARM

    def cameras(self) -> Sequence[CameraReport]:
        return [
            CameraReport(
                seat.status.now(),
                seat.ledger.page(),
                seat.config,
                seat.decode_s,
                seat.paused,
                None if seat.view.tiles is None else seat.most_rows,
            )
            for seat in self._roster.seats()
        ]

    def queues(self) -> Sequence[QueueReport]:
        slots = QueueReport("slots", self._work.waiting(), len(self._roster.seats()))
        behind = [self._recorder.report().queue, self._highlights.report()]
        return [slots, *self._outputs.queues(), *behind]

    def sinks(self) -> Sequence[SinkReport]:
        return self._outputs.reports()

    def attendances(self) -> Sequence[Attendance]:
        return [self._site(), *self._outputs.attendances()]

    def recorder(self) -> RecorderReport:
        return self._recorder.report()

    def model(self) -> ModelReport | None:
        return self._work.model()

    def config(self) -> ConfigReport:
        return self._history.report()

    def readiness(self) -> Readiness:
        return Readiness(
            model_warm=self.stage >= Stage.WARM,
            sinks_bound=self.stage >= Stage.OPEN,
            capture_started=self.stage >= Stage.CAPTURING,
            not_draining=not self.draining,
        )

    def stuck(self) -> str | None:
        return self._work.stuck()
