"""What the daemon says of itself: of its work only once there is any."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from config.schema import Config, SinksConfig
from daemon.books.reports import CameraReport, ModelReport, QueueReport
from daemon.highlights.darkroom import Darkroom
from daemon.metrics import Metrics
from daemon.outputs import Outputs
from daemon.recording.recorder import Recorder
from daemon.reload.history import ReloadHistory
from daemon.reporter import DaemonReporter, Stage
from daemon.seats.roster import Roster
from sinks.crowd import Attendance
from tests.support.fakes import FakeClock, camera_config, seat_of
from tests.support.messages import FakeSink


class Work:
    """A daemon at work that a test describes."""

    def __init__(self) -> None:
        self.stuck_because: str | None = None
        self.report = ModelReport("fake", "float32", ("person",), "0" * 64, 17, 1.5, 1)

    def model(self) -> ModelReport:
        return self.report

    def waiting(self) -> int:
        return 3

    def stuck(self) -> str | None:
        return self.stuck_because


@pytest.fixture
def roster() -> Roster:
    roster = Roster(lambda name, config, *, rules, numbers: seat_of(name, config, numbers=numbers))
    cameras = {"gate": camera_config(detect={"fps": 12}), "spare": camera_config()}
    roster.use(cameras, score_threshold=0.4)
    return roster


@pytest.fixture
def reporter(roster: Roster, monkeypatch: pytest.MonkeyPatch) -> DaemonReporter:
    class FakeZeromq(FakeSink):
        name = "zeromq"
        attendance = Attendance("zeromq", 2, 256, {})

    monkeypatch.setattr("daemon.outputs.ZeromqSink", lambda *_, **__: FakeZeromq())
    clock = FakeClock()
    config = Config(version=1, cameras={"gate": camera_config()}, sinks=SinksConfig())
    return DaemonReporter(
        roster=roster,
        outputs=Outputs(config.sinks, clock, Metrics(CollectorRegistry())),
        site=lambda: Attendance("http", 0, 1, {}),
        recorder=Recorder(clock),
        highlights=Darkroom(clock),
        history=ReloadHistory(config, clock),
    )


def test_a_camera_is_reported_with_its_state_and_books(
    reporter: DaemonReporter, roster: Roster
) -> None:
    gate = roster.get("gate")
    assert gate is not None
    gate.ledger.captured()
    first, second = reporter.cameras()
    assert first == CameraReport(gate.status.now(), gate.ledger.page(), gate.config)
    assert first.page.captured == 1
    assert second.status.camera == "spare"


def test_what_is_reported_are_the_cameras_that_are_here(
    reporter: DaemonReporter, roster: Roster
) -> None:
    roster.use({"yard": camera_config()}, score_threshold=0.4)
    assert [report.status.camera for report in reporter.cameras()] == ["yard"]
    assert reporter.queues()[0] == QueueReport("slots", 0, 1)


def test_before_a_model_is_warm_there_is_no_work_to_tell_of(reporter: DaemonReporter) -> None:
    assert reporter.model() is None
    assert reporter.stuck() is None
    assert reporter.queues()[0] == QueueReport("slots", 0, 2)


def test_the_daemon_at_work_is_asked_for_what_it_does(reporter: DaemonReporter) -> None:
    work = Work()
    reporter.begin(work)
    work.stuck_because = "it hangs"
    assert reporter.model() is work.report
    assert reporter.stuck() == "it hangs"
    assert list(reporter.queues()) == [
        QueueReport("slots", 3, 2),
        QueueReport("sink:zeromq", 0, 1000),
        QueueReport("recorder", 0, 32),
        QueueReport("highlights", 0, 24),
    ]


def test_readiness_names_what_is_missing(reporter: DaemonReporter) -> None:
    assert reporter.readiness().missing == ["model_warm", "sinks_bound", "capture_started"]
    reporter.stage = Stage.OPEN
    assert reporter.readiness().missing == ["model_warm", "capture_started"]
    reporter.begin(Work())
    assert reporter.readiness().missing == ["capture_started"]
    reporter.stage = Stage.CAPTURING
    assert reporter.readiness().ready
    reporter.draining = True
    assert reporter.readiness().missing == ["not_draining"]
