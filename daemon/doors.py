"""What others connect to and what they are told: bound before there is a model to wait for."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from config.camera import CameraConfig
from config.credentials import credentials_directory
from config.loader import Loaded
from config.schema import Config, HttpConfig, LogConfig
from config.urls import split_host_port
from daemon import log as logs
from daemon import signals
from daemon.answers.publisher import Publisher
from daemon.books.accounting import total
from daemon.books.states import CameraState, CameraStatus, Status
from daemon.cameras.detecting import DetectSwitch, SwitchError
from daemon.capture.errors import Cause
from daemon.capture.stall import StallLog, stalled
from daemon.clock import Clock
from daemon.descriptors import descriptor_limit, shares
from daemon.diary.diary import Diary
from daemon.highlights.darkroom import Darkroom
from daemon.http.app import HttpApp
from daemon.http.door import HttpDoor
from daemon.http.events import EventFeed
from daemon.http.redaction import redacted_config
from daemon.http.server import HttpServer
from daemon.http.view import View
from daemon.memory import FreedMemory
from daemon.metrics import Metrics, ReportCollector
from daemon.node import host_name
from daemon.outputs import Outputs
from daemon.recording.recorder import Recorder
from daemon.reload.access import check_token
from daemon.reload.editor import Editor
from daemon.reload.history import ReloadHistory
from daemon.reporter import DaemonReporter, Stage
from daemon.seats.fence import Fence, NoFence
from daemon.seats.roster import Roster
from daemon.seats.rules import CameraRules
from daemon.seats.seat import Numbers, Seat
from sinks.envelope import Envelope
from sinks.messages import EventMessage

log = logging.getLogger(__name__)

HIGHLIGHTS_STOP_S = 0.2
SINKS_STOP_S = 0.4  # with the other parts less than the 3 s that a stop is given


def with_link_reasons(registry: CollectorRegistry) -> Metrics:
    """The daemon's metrics, which know why a camera may be lost."""
    return Metrics(registry, link_reasons=Cause)


class Doors:
    """`open`, `tick` once a second from then on, `close`. Main thread.

    Every camera has its seat from the start, so that the page and the heartbeat show it while the
    model is loaded; `daemon.app.App` does the rest once there is one.
    """

    def __init__(
        self,
        loaded: Loaded,
        clock: Clock,
        *,
        make_metrics: Callable[[CollectorRegistry], Metrics] = with_link_reasons,
        fence: Fence | None = None,
        wake: Callable[[], None] = signals.wake,
    ) -> None:
        """`wake` makes the main thread look at what others have asked for."""
        self.fence = fence or NoFence()
        config = self.config = loaded.config
        self._loaded = loaded
        self._clock = clock
        self._registry = CollectorRegistry()
        self.metrics = make_metrics(self._registry)
        self._descriptors = shares(descriptor_limit())
        self.highlights = Darkroom(clock)
        node = config.node or host_name()
        self._outputs = Outputs(
            config.sinks,
            clock,
            self.metrics,
            most_connections=self._descriptors.zeromq,
            highlights=self.highlights,
            node=node,
            cameras=config.cameras,
            turn=self._turn,
        )
        self.recorder = Recorder(clock, best=self.highlights.best)
        self.diary = Diary(clock)
        self.memory = FreedMemory(clock)
        self._greedy = 0  # subscribers that were sent away
        self.publisher = Publisher(
            self._put,
            epoch=secrets.token_hex(8),
            node=node,
            clock=clock,
            witnesses=(self.highlights, self.recorder),
        )
        self.roster = Roster(self._make_seat)
        self.roster.use(config.cameras, score_threshold=config.model.score_threshold)
        self.switch = DetectSwitch(self.roster, wake=wake)
        self.history = ReloadHistory(config, clock)
        self._editor = Editor(loaded.path, report=self.history.report, reload=signals.ask_reload)
        self.reporter = DaemonReporter(
            roster=self.roster,
            outputs=self._outputs,
            site=lambda: self._http.attendance,
            recorder=self.recorder,
            highlights=self.highlights,
            history=self.history,
        )
        self._registry.register(ReportCollector(self.reporter, started_ns=clock.wall_ns()))
        self._http = HttpDoor(config.http, self._make_server, clock)
        self._log = config.log
        self._stalls = StallLog()

    def open(self) -> None:
        """Bind everything. Raises SinkError, ListenError, and ConfigError for a token that cannot
        be read.
        """
        check_token(self._loaded, credentials_directory())
        self._http.bind()
        self._outputs.open()
        for envelope in self.publisher.greetings(self.roster.seats()):
            self._outputs.put(envelope)
        self._http.start()
        self.reporter.stage = Stage.OPEN
        log.info("listening http=%s", self.config.http.listen)

    def tick(self) -> None:
        """Look after silent cameras, and tell who is alive."""
        now_s = self._clock.now_s()
        for seat in self.roster.seats():
            status = seat.status.now()
            if status.state.is_up and stalled(status, now_s):
                seat.status.change(CameraState.STALLED, reason="silent", only_from=status.state)
            self._stalls.look(status, now_s)
        self._note_greedy()
        self.memory.tick()
        self.publisher.pass_time(self.roster.seats())
        self.publisher.heartbeat(self.roster.seats(), ready=self.reporter.readiness().ready)

    def use_http(self, http: HttpConfig) -> None:
        """Raises ListenError."""
        self._http.use(http)

    def use_sinks(self, config: Config) -> None:
        """A fresh sink is told first how every camera is. Raises SinkError."""
        greeting = self.publisher.greetings(self.roster.seats())
        self._outputs.use(config.sinks, greeting=greeting)

    def use_cameras(self, config: Config) -> None:
        """Before any of them is started or leaves."""
        self._outputs.use_cameras(config.cameras)

    def use_log(self, wanted: LogConfig) -> None:
        if wanted != self._log:
            logs.configure(wanted.level, wanted.format)
            self._log = wanted

    def close(self) -> bool:
        """Send what is queued, then hang up. False if a thread is still blocked."""
        told = self.highlights.stop(HIGHLIGHTS_STOP_S)
        self.recorder.request_stop(SINKS_STOP_S)
        hanging_up = threading.Thread(target=self._http.stop, name="http:stop")
        hanging_up.start()  # takes a second at worst: beside the sinks, not after them
        sent = self._outputs.stop(SINKS_STOP_S)
        recorded = self.recorder.join(SINKS_STOP_S)
        written = self.diary.stop(SINKS_STOP_S)
        hanging_up.join()
        self._log_books()
        return told and sent and recorded and written and not self._http.running

    def _turn(self, camera: str, on: bool) -> None:
        """Somebody at the broker wants that. Any thread."""
        try:
            self.switch.turn(camera, on=on, by="mqtt")
        except SwitchError as error:
            log.warning("command refused camera=%s reason=%s", camera, error)

    def _note_greedy(self) -> None:
        """What a subscriber held that was sent away is free now."""
        greedy = sum(present.greedy for present in self._outputs.attendances())
        if greedy != self._greedy:
            self._greedy = greedy
            self.memory.note()

    def _put(self, envelope: Envelope) -> None:
        self._outputs.put(envelope)
        self._http.put(envelope)
        if isinstance(envelope.message, EventMessage):
            self.diary.put(envelope.message)

    def _make_server(self, http: HttpConfig, events: EventFeed) -> HttpServer:
        view = View(
            reporter=self.reporter,
            sights=self.roster,
            events=events,
            registry=self._registry,
            clock=self._clock,
            config=lambda: redacted_config(self.config),
            http=http,
            shelf=lambda camera: self.recorder.shelf(self.roster.get(camera)),
            diary=self.diary,
            editor=self._editor if http.allow_edit else None,
            switch=self.switch if http.allow_edit else None,
        )
        return HttpServer(
            HttpApp(view), *split_host_port(http.listen), most_connections=self._descriptors.http
        )

    def _make_seat(
        self, name: str, config: CameraConfig, *, rules: CameraRules, numbers: Numbers
    ) -> Seat:
        counts, licence = self.metrics.camera(name), self.fence.licence(name)

        def tell(status: CameraStatus) -> None:
            self.publisher.status(status, licence.permit)
            counts.status_changed(status)
            self.memory.status_changed(status)

        status = Status(name, self._clock, tell)
        return Seat(
            name,
            config,
            status=status,
            rules=rules,
            numbers=numbers,
            counts=counts,
            licence=licence,
        )

    def _log_books(self) -> None:
        page = total(seat.ledger.page() for seat in self.roster.seats())
        dropped = " ".join(f"{reason}={count}" for reason, count in page.dropped.items() if count)
        log.info(
            "stopped captured=%d inferred=%d in_flight=%d balanced=%s %s",
            page.captured,
            page.inferred,
            page.in_flight,
            page.balanced,
            dropped,
        )
