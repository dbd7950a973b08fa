"""What the running daemon says of itself, asked while it starts, works, hangs and drains."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest
from prometheus_client import CollectorRegistry

from config.camera import CameraConfig, DetectConfig
from config.schema import Config, SinksConfig
from daemon.books.accounting import Ledger
from daemon.books.reports import CameraReport, ModelReport, QueueReport
from daemon.cameras.roster import Roster
from daemon.metrics import Metrics
from daemon.outputs import Outputs
from daemon.pipeline.policy import BatchPolicy, Decision
from daemon.pipeline.slot import Slot, SlotBoard, Waiting
from daemon.pipeline.threads import Pipeline, Setup
from daemon.recording.recorder import Recorder
from daemon.reload.history import ReloadHistory
from daemon.reload.model import LoadedModel
from daemon.reporter import STUCK_S, DaemonReporter, Progress
from daemon.seats.rules import CameraRules
from daemon.seats.seat import Numbers, Seat
from detector.letterbox import InputSpec
from sinks.crowd import Attendance
from tests.support.fakes import FakeClock, FakeDetector, frame, seat_of
from tests.support.messages import FakeSink
from tests.support.waiting import PATIENCE_S, until

UNHANDLED = "ignore::pytest.PytestUnhandledThreadExceptionWarning"


class Defective(BatchPolicy):
    """Ends the thread that asks it."""

    def decide(self, waiting: Sequence[Waiting], now_s: float, *, free_s: float) -> Decision:
        raise AssertionError("a defect of ours")


class Idle:
    """A camera's thread that brings nothing."""

    def start(self) -> None:
        pass

    def use_input(self, spec: InputSpec) -> None:
        pass

    def request_stop(self) -> None:
        pass

    def join(self, timeout_s: float) -> bool:
        return True


class Daemon:
    """The parts that the reporter looks at; `gate` runs, `spare` is disabled."""

    def __init__(self) -> None:
        self.config = Config(
            version=1,
            cameras={
                "gate": CameraConfig(url="synthetic://64x48", detect=DetectConfig(fps=12.0)),
                "spare": CameraConfig(url="synthetic://64x48", enabled=False),
            },
            sinks=SinksConfig(),
        )
        self.clock = FakeClock()
        self.slots = SlotBoard()
        self.policy = self.policy_of(BatchPolicy)
        self.roster = Roster(
            self.slots,
            self.policy,
            make_seat=self._seat,
            open_worker=self._open,
            clock=self.clock,
        )
        self.roster.seat(self.config.cameras, score_threshold=0.4)
        self.progress = Progress(self.config)
        self.let_go = threading.Event()
        self.let_go.set()
        self.detector = FakeDetector(1, lambda _: self.let_go.wait() and None)
        outputs = Outputs(self.config.sinks, self.clock, Metrics(CollectorRegistry()))
        self.reporter = DaemonReporter(
            self.progress,
            roster=self.roster,
            slots=self.slots,
            outputs=outputs,
            site=lambda: Attendance("http", 0, 1, {}),
            recorder=Recorder(self.clock),
            history=ReloadHistory(self.config, self.clock),
            clock=self.clock,
        )

    def policy_of(self, kind: type[BatchPolicy]) -> BatchPolicy:
        return kind(max_batch=1, max_delay_s=0.01)

    def add_cameras(self) -> None:
        self.roster.use(self.config.cameras, score_threshold=0.4)

    def start_pipeline(self, policy: BatchPolicy | None = None) -> Pipeline:
        metrics = Metrics(CollectorRegistry())
        metrics.use_model(self.detector.name, self.detector.buckets)
        pipeline = Pipeline(
            Setup(self.detector, max_delay_s=0.01, max_age_s=0.5),
            self.slots,
            policy or self.policy,
            publish=lambda _: None,
            observer=metrics,
            clock=self.clock,
        )
        pipeline.start()
        self.progress.pipeline = pipeline
        return pipeline

    def finish(self) -> None:
        self.let_go.set()
        if pipeline := self.progress.pipeline:
            pipeline._batches.put(None)  # in place of a batching thread that died
            assert pipeline.stop(PATIENCE_S)

    def put(self) -> None:
        """A frame of the camera that runs."""
        self.slot.put(frame(self.slot.seat, self.clock.now_s()))

    def _seat(
        self, name: str, config: CameraConfig, *, rules: CameraRules, numbers: Numbers
    ) -> Seat:
        return seat_of(name, config, clock=self.clock, numbers=numbers)

    def _open(self, seat: Seat, slot: Slot) -> Idle:
        self.slot = slot
        return Idle()


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    class FakeZeromq(FakeSink):
        name = "zeromq"
        attendance = Attendance("zeromq", 2, 256, {})

    monkeypatch.setattr("daemon.outputs.ZeromqSink", lambda *_, **__: FakeZeromq())
    daemon = Daemon()
    yield daemon
    daemon.finish()


def test_every_configured_camera_is_reported_before_any_has_started(daemon: Daemon) -> None:
    reports = daemon.reporter.cameras()
    assert [report.status.camera for report in reports] == ["gate", "spare"]
    assert [report.target_fps for report in reports] == [12.0, 5.0]
    assert all(report.page == Ledger().page() for report in reports)


def test_a_camera_is_reported_with_its_state_and_books(daemon: Daemon) -> None:
    daemon.add_cameras()
    daemon.put()
    gate, spare = daemon.reporter.cameras()
    seat = daemon.slot.seat
    assert gate == CameraReport(seat.status.now(), seat.ledger.page(), seat.config)
    assert (gate.page.captured, gate.page.in_flight) == (1, 1)
    assert spare.status.state == "disabled"


def test_what_is_reported_are_the_cameras_that_are_here(daemon: Daemon) -> None:
    cameras = {"yard": CameraConfig(url="synthetic://64x48", detect=DetectConfig(fps=3.0))}
    daemon.roster.use(cameras, score_threshold=0.4)
    reports = daemon.reporter.cameras()
    assert [(report.status.camera, report.target_fps) for report in reports] == [("yard", 3.0)]
    assert daemon.reporter.queues()[0] == QueueReport("slots", 0, 1)


def test_queues_are_the_slots_those_of_the_sinks_and_the_recorders(daemon: Daemon) -> None:
    daemon.add_cameras()
    daemon.put()
    assert list(daemon.reporter.queues()) == [
        QueueReport("slots", 1, 2),
        QueueReport("sink:zeromq", 0, 1000),
        QueueReport("recorder", 0, 32),
    ]
    (sink,) = daemon.reporter.sinks()
    assert (sink.name, sink.subscribers) == ("zeromq", 2)


def test_the_model_is_unknown_until_it_is_loaded_and_retraces_are_counted(daemon: Daemon) -> None:
    assert daemon.reporter.model() is None
    daemon.detector.trace_count = 3
    daemon.progress.model = LoadedModel(daemon.detector, loaded_ns=17, warmup_s=1.5, traces=3)
    report = ModelReport("fake", "float32", ("person", "car"), "0" * 64, 17, 1.5, 1, retraces=0)
    assert daemon.reporter.model() == report
    daemon.detector.trace_count = 5
    retraced = daemon.reporter.model()
    assert retraced is not None
    assert retraced.retraces == 2


def test_readiness_names_what_is_missing(daemon: Daemon) -> None:
    progress = daemon.progress
    assert daemon.reporter.readiness().missing == ["model_warm", "sinks_bound", "capture_started"]
    progress.sinks_bound = True
    progress.model = LoadedModel(daemon.detector, 0, 0.0, 0)
    assert not daemon.reporter.readiness().ready
    progress.capture_started = True
    assert daemon.reporter.readiness().ready
    progress.draining = True
    assert daemon.reporter.readiness().missing == ["not_draining"]


def test_a_daemon_that_starts_or_works_is_not_stuck(daemon: Daemon) -> None:
    assert daemon.reporter.stuck() is None
    daemon.start_pipeline()
    daemon.clock.advance(10 * STUCK_S)
    assert daemon.reporter.stuck() is None, "idle is not stuck"


def test_a_detector_that_does_not_come_back_is_a_hang_until_it_does(daemon: Daemon) -> None:
    daemon.let_go.clear()
    daemon.add_cameras()
    pipeline = daemon.start_pipeline()
    daemon.put()
    until(lambda: pipeline.occupancy.busy_for_s(daemon.clock.now_s() + 1.0) == 1.0)
    daemon.clock.advance(STUCK_S)
    assert daemon.reporter.stuck() is None, "slow is not stuck"
    daemon.clock.advance(0.5)
    assert daemon.reporter.stuck() == "the detector has been busy with one batch for 20 s"
    daemon.let_go.set()
    until(lambda: daemon.reporter.stuck() is None)


@pytest.mark.filterwarnings(UNHANDLED)
def test_a_dead_thread_is_named(daemon: Daemon) -> None:
    pipeline = daemon.start_pipeline(daemon.policy_of(Defective))
    until(lambda: len(pipeline.dead_threads()) == 3)  # the ones behind it end in order
    assert daemon.reporter.stuck() == "thread batching has died"


def test_threads_that_were_told_to_end_are_not_dead(daemon: Daemon) -> None:
    pipeline = daemon.start_pipeline()
    daemon.progress.draining = True
    assert pipeline.stop(PATIENCE_S)
    assert daemon.reporter.stuck() is None
