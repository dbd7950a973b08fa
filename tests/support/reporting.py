"""A daemon's reports that tests write by hand, and the view of them that the HTTP app is given."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from config.camera import CameraConfig
from config.schema import HttpConfig
from daemon.books.accounting import Drop, Ledger
from daemon.books.reports import (
    CameraReport,
    ConfigReport,
    ModelReport,
    QueueReport,
    Readiness,
    RecorderReport,
    RecordingReport,
    ReloadResult,
    SinkReport,
)
from daemon.books.states import CameraState, CameraStatus, StreamInfo
from daemon.cameras.detecting import DetectSwitch
from daemon.capture.errors import Cause
from daemon.clock import Clock
from daemon.diary.store import Store
from daemon.http.events import EventFeed
from daemon.http.view import View
from daemon.metrics import Metrics, ReportCollector
from daemon.recording.shelf import Shelf
from daemon.reload.editor import Editor
from daemon.seats.sight import Sights
from sinks.crowd import Attendance, HangUp
from sinks.messages import Kind
from sinks.sink import Loss, SinkCounts
from tests.support.fakes import FakeClock, ShownSights

CAMERA = CameraConfig(url="rtsp://10.0.0.5:554/stream1")
STREAM = StreamInfo("h264", 64, 48, 25.0, "tcp", "software")
READY = Readiness(model_warm=True, sinks_bound=True, capture_started=True, not_draining=True)


def camera_report(
    name: str,
    state: CameraState = CameraState.STREAMING,
    *,
    reason: str = "",
    inferred: int = 3,
    dropped: int = 2,
    last_frame_s: float | None = 99.5,
    retry_s: float | None = None,
    config: CameraConfig = CAMERA,
) -> CameraReport:
    """A camera whose books balance, with one frame in flight."""
    ledger = Ledger()
    ledger.captured_and_dropped(Drop.FPS_CAP, dropped)
    for _ in range(inferred):
        ledger.captured()
        ledger.inferred()
    ledger.captured()
    last_frame_ns = None if last_frame_s is None else int(last_frame_s * 1e9)
    status = CameraStatus(
        name,
        state,
        reason,
        90.0,
        STREAM,
        last_frame_s,
        last_frame_ns,
        1,
        retry_s,
        blind_since_s=None if state.is_up else last_frame_s or 90.0,
        lost_reason="" if state.is_up else reason,
    )
    return CameraReport(status, ledger.page(), config)


class FakeReporter:
    """Says what its attributes hold."""

    def __init__(self, *cameras: CameraReport) -> None:
        self.camera_reports = list(cameras)
        self.ready = READY
        self.config_report = ConfigReport("0123456789ab", 1, 1, dict.fromkeys(ReloadResult, 0))
        self.recorder_failing = ""
        self.stuck_because: str | None = None
        self.model_report: ModelReport | None = ModelReport(
            "fake", "float32", ("person", "car"), "ab" * 32, 1_795_000_000_000_000_000, 1.5, 8
        )

    def cameras(self) -> list[CameraReport]:
        return self.camera_reports

    def queues(self) -> list[QueueReport]:
        return [QueueReport("slots", 1, len(self.camera_reports))]

    def sinks(self) -> list[SinkReport]:
        published = {Kind.DETECTION: 7, Kind.STATUS: 2, Kind.HEARTBEAT: 1}
        counts = SinkCounts(published, 4096, dict.fromkeys(Loss, 0), 0)
        return [SinkReport("zeromq", counts, 3), SinkReport("jsonl", counts)]

    def attendances(self) -> list[Attendance]:
        return [Attendance("http", 3, 256, dict.fromkeys(HangUp, 0) | {HangUp.SLOW: 2})]

    def recorder(self) -> RecorderReport:
        recordings = RecordingReport(snapshots=4, clips=1, stored=9, stored_bytes=1024)
        cameras = {report.status.camera: recordings for report in self.camera_reports}
        return RecorderReport(self.recorder_failing, QueueReport("recorder", 0, 32), cameras)

    def model(self) -> ModelReport | None:
        return self.model_report

    def config(self) -> ConfigReport:
        return self.config_report

    def readiness(self) -> Readiness:
        return self.ready

    def stuck(self) -> str | None:
        return self.stuck_because


def view_of(
    reporter: FakeReporter,
    board: Sights | None = None,
    *,
    clock: Clock | None = None,
    http: HttpConfig | None = None,
    shelf: Callable[[str], Shelf | None] = lambda _camera: None,
    editor: Editor | None = None,
    diary: Store | None = None,
    switch: DetectSwitch | None = None,
) -> View:
    """A view with all metrics registered."""
    clock = clock or FakeClock()
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.use_model("fake", (1, 2))
    for report in reporter.camera_reports:
        metrics.camera(report.status.camera)
    registry.register(ReportCollector(reporter, started_ns=1_795_000_000_000_000_000))
    return View(
        reporter,
        board or ShownSights(),
        EventFeed(clock),
        registry,
        clock,
        lambda: {"version": 1},
        http or HttpConfig(),
        shelf,
        diary or Store(None),
        editor,
        switch,
    )


LABELS = ("person", "bicycle", "car", "motorcycle", "bus", "truck")


def busy_registry(cameras: int) -> CollectorRegistry:
    """Of a daemon with so many cameras that record, each of which has seen every label."""
    reporter = FakeReporter(*(camera_report(f"camera-{n:02d}") for n in range(cameras)))
    registry = CollectorRegistry()
    metrics = Metrics(registry, link_reasons=Cause)
    metrics.use_model("efficientdet-lite0", (1, 2, 4, 8, 16, 32, 64))
    for sink in ("zeromq", "jsonl"):
        metrics.publish_observer(sink)
    for report in reporter.camera_reports:
        counts = metrics.camera(report.status.camera)
        for label in LABELS:
            counts.count_detections(label, 1)
    registry.register(ReportCollector(reporter, started_ns=1_795_000_000_000_000_000))
    return registry
