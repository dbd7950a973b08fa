"""The daemon at work, asked while it works, hangs, dies and drains; and its doors before that."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from config.loader import load
from daemon.app import STUCK_S, App
from daemon.books.reports import ModelReport, QueueReport
from daemon.books.states import CameraState
from daemon.capture.errors import CaptureError, Cause
from daemon.doors import Doors
from daemon.pipeline.policy import BatchPolicy, Decision
from daemon.pipeline.slot import Waiting
from daemon.reload.model import LoadedModel
from daemon.reload.reloader import Equipment
from daemon.seats.fence import GrantFence
from detector.api import InferenceError
from sinks.crowd import Attendance
from sinks.messages import HeartbeatMessage, StatusMessage
from tests.support.daemon_process import free_port
from tests.support.fakes import FakeClock, FakeDetector, frame
from tests.support.messages import FakeSink
from tests.support.waiting import PATIENCE_S, until

UNHANDLED = "ignore::pytest.PytestUnhandledThreadExceptionWarning"
CONFIG = {
    "version": 1,
    "cameras": {
        "gate": {"url": "synthetic://64x48", "detect": {"fps": 12}},
        "spare": {"url": "synthetic://64x48", "enabled": False},
    },
}


class Defective(BatchPolicy):
    """Ends the thread that asks it."""

    def decide(self, waiting: Sequence[Waiting], now_s: float, *, free_s: float) -> Decision:
        raise AssertionError("a defect of ours")


def no_source(*_: object, **__: object) -> Any:
    raise CaptureError(Cause.CONFIG)


class Daemon:
    """Doors, and an app that a test starts; the detector is held while `let_go` is not set."""

    def __init__(self, folder: Path) -> None:
        path = folder / "vedette.yaml"
        path.write_text(json.dumps(CONFIG | {"http": {"listen": f"127.0.0.1:{free_port()}"}}))
        self.clock = FakeClock()
        self.loaded = load(path, {})
        self.woken = threading.Event()
        self.doors = Doors(self.loaded, self.clock, wake=self.woken.set)
        self.let_go = threading.Event()
        self.let_go.set()
        self.detector = FakeDetector(1, lambda _: self.let_go.wait() and None)
        self.detector.trace_count = 3
        self.apps: list[App] = []

    @property
    def reporter(self) -> Any:
        return self.doors.reporter

    def start(self) -> App:
        model = LoadedModel(self.detector, loaded_ns=17, warmup_s=1.5, traces=3)
        app = App(self.doors, Equipment(self.loaded, model), self.clock, open_source=no_source)
        self.apps.append(app)
        app.start()
        return app

    def state(self, camera: str) -> CameraState:
        states = {of.status.camera: of.status.state for of in self.reporter.cameras()}
        return CameraState(states[camera])

    def put(self, app: App) -> None:
        """A frame of the camera that runs."""
        seat = self.doors.roster.get("gate")
        assert seat is not None
        app._slots._slots[seat].put(frame(seat, self.clock.now_s()))

    def finish(self) -> None:
        self.let_go.set()
        for app in self.apps:
            app._pipeline._batches.put(None)  # in place of a batching thread that died
            assert app.stop()
        assert self.doors.highlights.stop(PATIENCE_S)
        assert self.doors.diary.stop(PATIENCE_S)
        self.doors.recorder.request_stop(0.0)
        assert self.doors.recorder.join(PATIENCE_S)


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> FakeSink:
    class FakeZeromq(FakeSink):
        name = "zeromq"
        attendance = Attendance("zeromq", 2, 256, {})

    sink = FakeZeromq()
    monkeypatch.setattr("daemon.outputs.ZeromqSink", lambda *_, **__: sink)
    return sink


@pytest.fixture
def daemon(tmp_path: Path, sink: FakeSink) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.finish()


def test_every_camera_is_shown_while_the_model_is_loaded(daemon: Daemon) -> None:
    reports = daemon.reporter.cameras()
    assert [report.status.camera for report in reports] == ["gate", "spare"]
    assert {report.status.state for report in reports} == {CameraState.CONNECTING}
    assert daemon.reporter.model() is None
    assert daemon.reporter.stuck() is None
    assert daemon.reporter.queues()[0] == QueueReport("slots", 0, 2)


def test_open_doors_tell_that_the_daemon_is_not_ready(daemon: Daemon, sink: FakeSink) -> None:
    daemon.doors.open()
    daemon.doors.tick()
    assert daemon.reporter.readiness().missing == ["model_warm", "capture_started"]
    assert daemon.doors.close()
    *_statuses, heartbeat = [envelope.message for envelope in sink.written]
    assert isinstance(heartbeat, HeartbeatMessage)
    assert not heartbeat.ready
    assert list(heartbeat.cameras) == ["gate", "spare"]


def test_a_daemon_at_work_is_ready_until_it_drains(daemon: Daemon) -> None:
    daemon.doors.open()
    daemon.start()
    assert daemon.reporter.readiness().ready
    daemon.reporter.draining = True
    assert daemon.reporter.readiness().missing == ["not_draining"]
    assert daemon.doors.close()


def test_a_silent_camera_is_called_stalled_once(daemon: Daemon, sink: FakeSink) -> None:
    gate = daemon.doors.roster.get("gate")
    assert gate is not None
    gate.status.change(CameraState.STREAMING)
    gate.status.frame_arrived(daemon.clock.now_s(), 1)
    daemon.clock.advance(60.0)
    daemon.doors.open()
    daemon.doors.tick()
    daemon.doors.tick()
    assert gate.status.state is CameraState.STALLED
    assert daemon.doors.close()
    told = [e.message for e in sink.written if isinstance(e.message, StatusMessage)]
    of_gate = [message.state for message in told if message.camera == "gate"]
    assert of_gate == ["streaming", "streaming", "stalled"]  # the second for who has just come


def test_frames_in_their_slots_are_told(daemon: Daemon) -> None:
    daemon.let_go.clear()
    app = daemon.start()
    for waiting in range(3):  # one runs, one is ahead, one waits
        daemon.put(app)
        until(lambda waiting=waiting: app.waiting() == (waiting == 2))
    assert list(daemon.reporter.queues()) == [
        QueueReport("slots", 1, 2),
        QueueReport("sink:zeromq", daemon.reporter.queues()[1].depth, 1000),
        QueueReport("recorder", 0, 32),
        QueueReport("highlights", 0, 24),
    ]


def test_the_model_is_told_and_retraces_are_counted(daemon: Daemon) -> None:
    daemon.start()
    report = ModelReport("fake", "float32", ("person", "car"), "0" * 64, 17, 1.5, 1, retraces=0)
    assert daemon.reporter.model() == report
    daemon.detector.trace_count = 5
    assert daemon.reporter.model().retraces == 2


def test_an_idle_daemon_is_not_stuck(daemon: Daemon) -> None:
    daemon.start()
    daemon.clock.advance(10 * STUCK_S)
    assert daemon.reporter.stuck() is None


def test_a_detector_that_does_not_come_back_is_a_hang_until_it_does(daemon: Daemon) -> None:
    daemon.let_go.clear()
    app = daemon.start()
    daemon.put(app)
    until(lambda: app._pipeline.occupancy.busy_for_s(daemon.clock.now_s() + 1.0) == 1.0)
    daemon.clock.advance(STUCK_S)
    assert daemon.reporter.stuck() is None, "slow is not stuck"
    daemon.clock.advance(0.5)
    assert daemon.reporter.stuck() == "the detector has been busy with one batch for 20 s"
    daemon.let_go.set()
    until(lambda: daemon.reporter.stuck() is None)


@pytest.mark.filterwarnings(UNHANDLED)
def test_a_dead_thread_is_named(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.app.BatchPolicy", Defective)
    app = daemon.start()
    until(lambda: len(app._pipeline.dead_threads()) == 3)  # the ones behind it end in order
    assert daemon.reporter.stuck() == "thread batching has died"


def test_threads_that_were_told_to_end_are_not_dead(daemon: Daemon) -> None:
    assert daemon.start().stop()
    assert daemon.reporter.stuck() is None


def test_a_detector_that_is_given_up_ends_the_daemon(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = daemon.start()
    app.check()
    given_up = InferenceError("runtime", "10 times in a row")
    monkeypatch.setattr(app._pipeline, "failure", lambda: given_up)
    with pytest.raises(InferenceError):
        app.check()


def test_a_daemon_of_a_fleet_opens_what_it_is_granted_and_closes_what_it_is_not(
    daemon: Daemon,
) -> None:
    fence = GrantFence()
    daemon.doors.fence = fence
    app = daemon.start()
    assert daemon.state("gate") is CameraState.DISABLED
    fence.use({"gate": (17, daemon.clock.now_s() + 2.0)})
    assert app.grants_changed()
    app.obey_grants()
    assert daemon.state("gate") is not CameraState.DISABLED
    assert not app.grants_changed()
    daemon.clock.advance(2.0)
    assert app.grants_changed(), "the lease ended, and nobody had to say so"
    app.obey_grants()
    assert daemon.state("gate") is CameraState.DISABLED


def test_a_camera_that_shall_leave_has_left_once_its_stream_is_closed(daemon: Daemon) -> None:
    fence = GrantFence()
    daemon.doors.fence = fence
    app = daemon.start()
    fence.use({"gate": (17, daemon.clock.now_s() + 2.0)})
    app.obey_grants()
    fence.use({"gate": (17, daemon.clock.now_s() + 2.0)}, ["gate"])
    assert fence.left == frozenset()
    app.obey_grants()
    assert fence.left == {"gate"}
    assert daemon.state("gate") is CameraState.DISABLED


def test_a_camera_is_paused_from_another_thread_and_closed_by_the_main_one(daemon: Daemon) -> None:
    app = daemon.start()
    gate = daemon.doors.roster.get("gate")
    assert gate is not None
    daemon.doors.switch.turn("gate", on=False, by="test")
    assert daemon.woken.is_set()
    assert gate.status.state is not CameraState.DISABLED
    assert daemon.reporter.cameras()[0].paused, "known before the stream is closed"
    app.obey()
    assert (gate.status.state, gate.status.now().reason) == (CameraState.DISABLED, "paused")
    daemon.doors.switch.turn("gate", on=True, by="test")
    app.check()
    assert gate.status.state is not CameraState.DISABLED
