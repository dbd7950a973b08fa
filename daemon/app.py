"""The running daemon: owns every part, starts them in order and stops them in time.

Order: sinks and HTTP bind → model loads and warms up → cameras start → ready. Everything here is
called by one thread, but `load_model`, which may be given a thread of its own.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from typing import Protocol

from prometheus_client import CollectorRegistry

from config.loader import Loaded
from config.schema import CameraConfig
from config.urls import split_host_port
from daemon.accounting import Ledger, total
from daemon.batching import BatchPolicy
from daemon.capture.errors import Kind
from daemon.capture.sample import OpenSource
from daemon.capture.source import open_source as open_by_url
from daemon.capture.stall import stalled
from daemon.capture.worker import CameraWorker
from daemon.clock import Clock
from daemon.fleet import Fleet, Worker
from daemon.http.app import HttpApp
from daemon.http.redaction import redacted_config
from daemon.http.server import HttpServer
from daemon.http.view import View
from daemon.labels import check_labels
from daemon.live import LiveBoard
from daemon.metrics import Metrics, ReportCollector
from daemon.outputs import Outputs
from daemon.pipeline import Pipeline
from daemon.publisher import Publisher
from daemon.reporter import DaemonReporter, LoadedModel, Progress
from daemon.rules import ObjectRules, lowest_score
from daemon.slot import Slot, SlotBoard
from daemon.states import CameraState, StatusBoard
from detector.api import Detector

log = logging.getLogger(__name__)

# Together with what closing a sink may take, less than the 3 s that a stop is given.
CAMERAS_STOP_S = 0.8
PIPELINE_STOP_S = 1.0
SINKS_STOP_S = 0.4


class BuildDetector(Protocol):
    """`detector.build.build_detector`, or a stand-in."""

    def __call__(
        self,
        *,
        name: str,
        weights: str,
        sha256: str | None,
        input_size: int | None,
        precision: str,
        score_threshold: float,
        iou_threshold: float,
        max_detections: int,
        max_batch: int,
    ) -> Detector: ...


def with_link_reasons(registry: CollectorRegistry) -> Metrics:
    """The daemon's metrics, which know why a camera may be lost."""
    return Metrics(registry, link_reasons=Kind)


class App:
    """`open`, `load_model`, `start_cameras`, in this order; `tick` once a second; then `stop`,
    which may come after any of them.
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
        self._config = config
        self._clock = clock
        self._open_source = open_source
        self._registry = CollectorRegistry()
        self._metrics = make_metrics(self._registry)
        self._board = StatusBoard(list(config.cameras), clock)
        self._slots = SlotBoard()
        self._policy = BatchPolicy(
            max_batch=config.batching.max_batch,
            max_delay_s=config.batching.max_delay_ms / 1e3,
            is_live=lambda name: self._board.get(name).state is CameraState.STREAMING,
        )
        self._fleet = Fleet(
            self._slots, self._policy, self._board, open_worker=self._open_worker, clock=clock
        )
        self._outputs = Outputs(config.sinks, clock, self._metrics)
        self.live = LiveBoard()
        self._publisher = Publisher(
            self._outputs.put,
            epoch=secrets.token_hex(8),
            live=self.live,
            count_detections=self._metrics.count_detections,
            clock=clock,
        )
        self._progress = Progress()
        self.reporter = DaemonReporter(
            config,
            self._progress,
            board=self._board,
            fleet=self._fleet,
            slots=self._slots,
            outputs=self._outputs,
            clock=clock,
        )
        self._registry.register(ReportCollector(self.reporter, started_ns=clock.wall_ns()))
        view = View(
            reporter=self.reporter,
            board=self.live,
            registry=self._registry,
            clock=clock,
            config=lambda: redacted_config(config),
            pictures=config.http.live,
        )
        self._http = HttpServer(HttpApp(view), *split_host_port(config.http.listen))

    def open(self) -> None:
        """Bind everything that others connect to. Raises SinkError, ListenError."""
        self._http.bind()
        self._outputs.open()
        self._http.start()
        self._progress.sinks_bound = True
        log.info("listening http=%s", self._config.http.listen)

    def load_model(
        self, build: BuildDetector, *, advanced: Callable[[], None] = lambda: None
    ) -> None:
        """Build the detector and warm it up. Raises ModelError; ConfigError for unknown labels.

        `advanced` is called at the beginning and after every step.
        """

        def warmed(bucket: int) -> None:
            log.debug("warm batch=%d", bucket)
            advanced()

        config = self._config
        advanced()
        started_s = self._clock.now_s()
        detector = build(
            name=config.model.name,
            weights=config.model.weights,
            sha256=config.model.sha256,
            input_size=config.model.input_size,
            precision=config.model.precision,
            score_threshold=lowest_score(
                list(config.cameras.values()), config.model.score_threshold
            ),
            iou_threshold=config.model.iou_threshold,
            max_detections=config.model.max_detections,
            max_batch=config.batching.max_batch,
        )
        check_labels(self._loaded, detector.labels)
        loaded_s = self._clock.now_s()
        advanced()
        detector.warm_up(warmed)
        warm_s = self._clock.now_s()
        self._progress.model = LoadedModel(
            detector, self._clock.wall_ns(), warm_s - loaded_s, detector.trace_count
        )
        log.info(
            "model ready model=%s precision=%s input=%dx%d labels=%d load_s=%.1f warmup_s=%.1f",
            detector.name,
            detector.precision,
            detector.input_spec.width,
            detector.input_spec.height,
            len(detector.labels),
            loaded_s - started_s,
            warm_s - loaded_s,
        )

    def start_cameras(self) -> None:
        """Start the pipeline and every camera. The model must be loaded."""
        detector = self._detector()
        self._publisher.use_model(detector.name, detector.labels)
        self._metrics.use_model(detector.name, detector.buckets)
        self._board.on_change(self._publisher.status)
        self._board.on_change(self._metrics.status_changed)
        pipeline = Pipeline(
            detector,
            self._slots,
            self._policy,
            ledger=self._fleet.ledger,
            publish=self._publisher.result,
            observer=self._metrics,
            max_age_s=self._config.batching.max_age_ms / 1e3,
            clock=self._clock,
        )
        pipeline.start()
        self._progress.pipeline = pipeline
        for name, camera in self._config.cameras.items():
            self._metrics.add_camera(name)
            rules = ObjectRules(
                camera, detector.labels, score_threshold=self._config.model.score_threshold
            )
            self._publisher.add(name, rules)
            self._publisher.status(self._board.get(name))
            self._fleet.add(name, camera)
        self._progress.capture_started = True

    def tick(self) -> None:
        """Once a second, from the moment `open` returned."""
        now_s = self._clock.now_s()
        for status in self._board.all():
            if status.state is CameraState.STREAMING and stalled(status, now_s):
                self._board.change(
                    status.camera,
                    CameraState.STALLED,
                    reason="silent",
                    only_from=CameraState.STREAMING,
                )
        self._publisher.heartbeat(self._board.all(), ready=self.reporter.readiness().ready)

    def stop(self) -> bool:
        """Drain: cameras, then what they delivered, then messages. False if a thread is still
        blocked, in FFmpeg or in the detector; then only `os._exit` ends the process.
        """
        self._progress.draining = True
        blocked = self._fleet.stop(CAMERAS_STOP_S)
        for name in blocked:
            log.warning("camera is still blocked camera=%s", name)
        pipeline = self._progress.pipeline
        drained = pipeline.stop(PIPELINE_STOP_S) if pipeline else True
        if not drained:
            log.warning("the detector did not come back; its batch is lost")
        hanging_up = threading.Thread(target=self._http.stop, name="http:stop")
        hanging_up.start()  # takes a second at worst: beside the sinks, not after them
        sent = self._outputs.stop(SINKS_STOP_S)
        hanging_up.join()
        self._log_books()
        return not blocked and drained and sent and not self._http.running

    def _detector(self) -> Detector:
        if self._progress.model is None:
            msg = "cameras cannot start before the model is loaded"
            raise RuntimeError(msg)
        return self._progress.model.detector

    def _open_worker(self, name: str, camera: CameraConfig, slot: Slot, ledger: Ledger) -> Worker:
        return CameraWorker(
            name,
            camera,
            input_spec=self._detector().input_spec,
            slot=slot,
            ledger=ledger,
            board=self._board,
            clock=self._clock,
            open_source=self._open_source,
            observer=self._metrics,
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
