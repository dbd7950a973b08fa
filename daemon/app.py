"""The running daemon: owns every part, starts them in order, replaces them, stops them in time.

Order: sinks and HTTP bind → model loads and warms up → cameras start → ready. Everything here is
called by one thread, but `load_model` and `prepare_reload`, which may be given a thread of theirs.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from config.camera import CameraConfig
from config.credentials import credentials_directory
from config.loader import Loaded
from config.schema import HttpConfig
from config.urls import split_host_port
from daemon import log as logs
from daemon.answers.publisher import Publisher
from daemon.books.accounting import total
from daemon.books.states import CameraState, CameraStatus, Status
from daemon.cameras.roster import Roster
from daemon.capture.errors import Kind
from daemon.capture.sample import OpenSource
from daemon.capture.source import open_source as open_by_url
from daemon.capture.stall import stalled
from daemon.capture.worker import CameraWorker
from daemon.clock import Clock
from daemon.descriptors import descriptor_limit, shares
from daemon.http.app import HttpApp
from daemon.http.events import EventFeed
from daemon.http.redaction import redacted_config
from daemon.http.server import HttpServer
from daemon.http.site import Site
from daemon.http.view import View
from daemon.memory import FreedMemory
from daemon.metrics import Metrics, ReportCollector
from daemon.node import host_name
from daemon.outputs import Outputs
from daemon.pipeline.policy import BatchPolicy
from daemon.pipeline.slot import Slot, SlotBoard
from daemon.pipeline.threads import Pipeline, Setup
from daemon.recording.recorder import Recorder
from daemon.reload.access import check_token
from daemon.reload.history import ReloadHistory
from daemon.reload.model import BuildDetector, LoadedModel, load_model
from daemon.reload.reloader import Plan, Reloader, Running
from daemon.reporter import DaemonReporter, Progress
from daemon.seats.rules import CameraRules
from daemon.seats.seat import Numbers, Seat, Worker
from sinks.messages import Envelope

log = logging.getLogger(__name__)

# Together with what closing a sink may take, less than the 3 s that a stop is given.
CAMERAS_STOP_S = 0.8
PIPELINE_STOP_S = 1.0
SINKS_STOP_S = 0.4


def with_link_reasons(registry: CollectorRegistry) -> Metrics:
    """The daemon's metrics, which know why a camera may be lost."""
    return Metrics(registry, link_reasons=Kind)


class App:
    """`open`, `load_model`, `start_cameras`, in this order; `tick` once a second; then `stop`,
    which may come after any of them. Once started, `prepare_reload` and `conclude_reload`.
    """

    def __init__(
        self,
        loaded: Loaded,
        clock: Clock,
        *,
        make_metrics: Callable[[CollectorRegistry], Metrics] = with_link_reasons,
        open_source: OpenSource = open_by_url,
    ) -> None:
        config = loaded.config
        self._loaded = loaded
        self._clock = clock
        self._open_source = open_source
        self._registry = CollectorRegistry()
        self._metrics = make_metrics(self._registry)
        self._slots = SlotBoard()
        self._policy = BatchPolicy(
            max_batch=config.batching.max_batch,
            max_delay_s=config.batching.max_delay_ms / 1e3,
        )
        self._descriptors = shares(descriptor_limit())
        self._outputs = Outputs(
            config.sinks, clock, self._metrics, most_connections=self._descriptors.zeromq
        )
        self._recorder = Recorder(clock)
        self._memory = FreedMemory(clock)
        self._publisher = Publisher(
            self._put,
            epoch=secrets.token_hex(8),
            node=config.node or host_name(),
            clock=clock,
            record=self._recorder.put,
        )
        self.roster = Roster(
            self._slots,
            self._policy,
            make_seat=self._make_seat,
            open_worker=self._open_worker,
            clock=clock,
        )
        self.roster.seat(config.cameras, score_threshold=config.model.score_threshold)
        self._progress = Progress(config)
        self._history = ReloadHistory(config, clock)
        self.reporter = DaemonReporter(
            self._progress,
            roster=self.roster,
            slots=self._slots,
            outputs=self._outputs,
            site=lambda: self._site.attendance,
            recorder=self._recorder,
            history=self._history,
            clock=clock,
        )
        self._registry.register(ReportCollector(self.reporter, started_ns=clock.wall_ns()))
        self._site = Site(config.http, self._make_server, clock)
        self._log_config = config.log
        self._reloader: Reloader | None = None

    def open(self) -> None:
        """Bind everything that others connect to. Raises SinkError, ListenError, and ConfigError
        for a token that cannot be read.
        """
        check_token(self._loaded, credentials_directory())
        self._site.bind()
        self._outputs.open()
        self._site.start()
        self._progress.sinks_bound = True
        log.info("listening http=%s", self._progress.config.http.listen)

    def load_model(
        self, build: BuildDetector, *, advanced: Callable[[], None] = lambda: None
    ) -> None:
        """Build the detector and warm it up. Raises ModelError; ConfigError for unknown labels.

        `advanced` is called at the beginning and after every step.
        """
        self._progress.model = load_model(self._loaded, build, self._clock, advanced=advanced)

    def start_cameras(self) -> None:
        """Start the pipeline and every camera. The model must be loaded."""
        running = Running(self._loaded, self._model())
        pipeline = Pipeline(
            _setup(running),
            self._slots,
            self._policy,
            publish=self._publisher.result,
            observer=self._metrics,
            clock=self._clock,
        )
        pipeline.start()
        self._progress.pipeline = pipeline
        self._recorder.start()
        self.use_model(running)
        self.use_cameras(running)
        self._progress.capture_started = True
        self._reloader = Reloader(running, self, self._history, self._clock)

    def prepare_reload(
        self, build: BuildDetector, *, advanced: Callable[[], None] = lambda: None
    ) -> Plan:
        """Read the configuration file again. Raises ConfigError; see `Reloader.prepare`."""
        return self._started_reloader().prepare(build, advanced=advanced)

    def conclude_reload(self, prepared: Callable[[], Plan]) -> None:
        """Become what the file says, or stay what it was; see `Reloader.conclude`."""
        self._started_reloader().conclude(prepared)

    def given_up(self) -> frozenset[str]:
        return self.roster.given_up()

    def use_http(self, wanted: Running) -> None:
        self._site.use(wanted.loaded.config.http)

    def use_sinks(self, wanted: Running) -> None:
        greeting = [
            self._publisher.status_message(seat.status.now()) for seat in self.roster.seats()
        ]
        self._outputs.use(wanted.loaded.config.sinks, greeting=greeting)

    def use_log(self, wanted: Running) -> None:
        log_config = wanted.loaded.config.log
        if log_config != self._log_config:
            logs.configure(log_config.level, log_config.format)
            self._log_config = log_config

    def use_model(self, wanted: Running) -> None:
        detector = wanted.model.detector
        self._progress.model = wanted.model
        self._metrics.use_model(detector.name, detector.buckets)
        self.roster.use_input(detector.input_spec)
        if self._progress.pipeline:
            self._progress.pipeline.use(_setup(wanted))
            self._memory.note()

    def use_cameras(self, wanted: Running) -> None:
        config = wanted.loaded.config
        self._progress.config = config
        self.roster.use(
            config.cameras,
            score_threshold=config.model.score_threshold,
            again=self.roster.given_up(),
        )
        self._recorder.use(config.recordings, self.roster.seats())

    def tick(self) -> None:
        """Once a second, from the moment `open` returned. Raises InferenceError once the detector
        has failed so long that only a new process may help.
        """
        pipeline = self._progress.pipeline
        if pipeline and (failure := pipeline.failure()):
            raise failure
        now_s = self._clock.now_s()
        for seat in self.roster.seats():
            status = seat.status.now()
            if status.state.is_up and stalled(status, now_s):
                seat.status.change(CameraState.STALLED, reason="silent", only_from=status.state)
        self._memory.tick()
        self._publisher.heartbeat(self.roster.seats(), ready=self.reporter.readiness().ready)

    def stop(self) -> bool:
        """Drain: cameras, then what they delivered, then messages. False if a thread is still
        blocked, in FFmpeg or in the detector; then only `os._exit` ends the process.
        """
        self._progress.draining = True
        ended = self.roster.stop(CAMERAS_STOP_S)
        pipeline = self._progress.pipeline
        drained = pipeline.stop(PIPELINE_STOP_S) if pipeline else True
        if not drained:
            log.warning("the detector did not come back; its batch is lost")
        self._recorder.request_stop(SINKS_STOP_S)
        hanging_up = threading.Thread(target=self._site.stop, name="http:stop")
        hanging_up.start()  # takes a second at worst: beside the sinks, not after them
        sent = self._outputs.stop(SINKS_STOP_S)
        recorded = self._recorder.join(SINKS_STOP_S)
        hanging_up.join()
        self._log_books()
        return ended and drained and sent and recorded and not self._site.running

    def _put(self, envelope: Envelope) -> None:
        self._outputs.put(envelope)
        self._site.put(envelope)

    def _model(self) -> LoadedModel:
        if self._progress.model is None:
            msg = "cameras cannot start before the model is loaded"
            raise RuntimeError(msg)
        return self._progress.model

    def _started_reloader(self) -> Reloader:
        if self._reloader is None:
            msg = "nothing can be reloaded before the cameras are started"
            raise RuntimeError(msg)
        return self._reloader

    def _make_server(self, http: HttpConfig, events: EventFeed) -> HttpServer:
        view = View(
            reporter=self.reporter,
            board=self.roster,
            events=events,
            registry=self._registry,
            clock=self._clock,
            config=lambda: redacted_config(self._progress.config),
            http=http,
            shelf=lambda camera: self._recorder.shelf(self.roster.get(camera)),
        )
        return HttpServer(
            HttpApp(view), *split_host_port(http.listen), most_connections=self._descriptors.http
        )

    def _make_seat(
        self, name: str, config: CameraConfig, *, rules: CameraRules, numbers: Numbers
    ) -> Seat:
        counts = self._metrics.camera(name)

        def tell(status: CameraStatus) -> None:
            self._publisher.status(status)
            counts.status_changed(status)
            self._memory.status_changed(status)

        status = Status(name, self._clock, tell)
        return Seat(name, config, status=status, rules=rules, numbers=numbers, counts=counts)

    def _open_worker(self, seat: Seat, slot: Slot) -> Worker:
        return CameraWorker(
            seat,
            input_spec=self._model().detector.input_spec,
            slot=slot,
            clock=self._clock,
            open_source=self._open_source,
        )

    def _log_books(self) -> None:
        page = total(camera.page for camera in self.reporter.cameras())
        dropped = " ".join(f"{reason}={count}" for reason, count in page.dropped.items() if count)
        log.info(
            "stopped captured=%d inferred=%d in_flight=%d balanced=%s %s",
            page.captured,
            page.inferred,
            page.in_flight,
            page.balanced,
            dropped,
        )


def _setup(running: Running) -> Setup:
    batching = running.loaded.config.batching
    return Setup(
        running.model.detector,
        max_delay_s=batching.max_delay_ms / 1e3,
        max_age_s=batching.max_age_ms / 1e3,
    )
