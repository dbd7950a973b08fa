"""One measured run of the whole daemon with synthetic cameras."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry

from config.camera import CameraConfig
from config.loader import load
from daemon.app import App
from daemon.bench.recording import DEMO
from daemon.bench.simulated import SimulatedDetector
from daemon.books.accounting import Page
from daemon.books.states import StreamInfo
from daemon.capture.pacer import Pacer
from daemon.capture.sample import Lost, Pause, Sample, Source
from daemon.capture.source import open_source as open_by_url
from daemon.clock import Clock, SystemClock
from daemon.doors import Doors
from daemon.metrics import Metrics
from daemon.metrics.observed import CameraSeries
from daemon.reload.model import load_model
from daemon.reload.reloader import Equipment
from detector.api import Detector
from detector.build import build_detector
from detector.letterbox import InputSpec, Letterbox
from detector.spec import DetectorSpec

WARM_S = 3.0  # of running before anything is counted
CEILING_S = 3.0  # of full batches back to back, to learn what a real detector could do
INPUT_SIZE = 320


@dataclass(frozen=True, slots=True)
class Load:
    """What is run."""

    cameras: int
    fps: float
    size: str
    seconds: float
    real: bool
    batch_ms: float
    image_ms: float
    max_batch: int
    max_delay_ms: float
    viewers: int
    clip: bool = False  # cameras play the demo clip in place of synthetic scenes
    precision: str = "auto"  # of a real detector


@dataclass(frozen=True, slots=True)
class Readings:
    """What was seen between the two readings; `cpu_s` is the process's, less what cameras
    spent in their sources and the simulated detector in itself. `watched_fps` is how many pictures
    all viewers together got per second.
    """

    seconds: float
    ceiling_fps: float
    before: dict[str, Page]
    after: dict[str, Page]
    final: dict[str, Page]
    cpu_s: float
    messages: npt.NDArray[np.float64]  # [N, 4] published_ns; ms: age at dispatch, infer, total
    queue_ms: npt.NDArray[np.float64]  # wait in the slot, per dispatched frame
    watched_fps: float


class RecordingMetrics(Metrics):
    """The daemon's metrics, which also keep every frame's wait in its slot."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.queue_wait_s: list[float] = []

    def camera(self, name: str) -> CameraSeries:
        series = super().camera(name)
        count = series.observe_frame

        def observe_frame(*, age_at_dispatch_s: float, queue_wait_s: float) -> None:
            count(age_at_dispatch_s=age_at_dispatch_s, queue_wait_s=queue_wait_s)
            self.queue_wait_s.append(queue_wait_s)

        series.observe_frame = observe_frame  # type: ignore[method-assign]
        return series


class DecodeMeter:
    """Adds up the CPU that camera threads spend inside their sources: the stand-in for decoding."""

    def __init__(self) -> None:
        self._spent_s: dict[str, float] = {}

    @property
    def cpu_s(self) -> float:
        return sum(self._spent_s.copy().values())

    def open_source(
        self, camera: CameraConfig, *, input_spec: InputSpec, clock: Clock, pause: Pause
    ) -> Source:
        """An `OpenSource` whose sources are metered."""
        source = open_by_url(camera, input_spec=input_spec, clock=clock, pause=pause)
        return MeteredSource(source, self._spent_s)


class MeteredSource:
    """A source that notes its thread's CPU time around every frame."""

    def __init__(self, source: Source, spent_s: dict[str, float]) -> None:
        self._source = source
        self._spent_s = spent_s

    @property
    def info(self) -> StreamInfo:
        return self._source.info

    def use_input(self, spec: InputSpec) -> None:
        self._source.use_input(spec)

    def samples(self, pacer: Pacer) -> Iterator[Sample | Lost]:
        name = threading.current_thread().name
        samples = self._source.samples(pacer)
        spent_s = 0.0
        while True:
            started_s = time.thread_time()
            sample = next(samples, None)
            spent_s += time.thread_time() - started_s
            self._spent_s[name] = spent_s
            if sample is None:
                return
            yield sample

    def close(self) -> None:
        self._source.close()


class Trial:
    """`run` once; everything is stopped when it returns."""

    def __init__(self, plan: Load, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        self._zeromq = f"ipc://{folder / 'detections'}"
        self._http = f"127.0.0.1:{_free_port()}"
        self._recording: RecordingMetrics | None = None
        self._detector: Detector | None = None

    def run(self) -> Readings:
        """Start the daemon and a subscriber, let them warm up, read the books twice, stop."""
        decoding = DecodeMeter()
        loaded, clock = load(self._write_config()), SystemClock()
        doors = Doors(loaded, clock, make_metrics=self._record)
        with ExitStack() as stops:
            stops.callback(doors.close)
            doors.open()
            model = load_model(loaded, self._build, clock, advanced=lambda: None)
            app = App(doors, Equipment(loaded, model), clock, open_source=decoding.open_source)
            stops.callback(app.stop)
            ceiling_fps = self._ceiling_fps()
            with self._subscriber() as messages, self._viewers() as watched_fps:
                app.start()
                _ticking(doors, WARM_S)
                first_wait = len(self._metrics.queue_wait_s)
                before, started_ns = _pages(doors), time.time_ns()
                cpu_s = _process_cpu_s() - decoding.cpu_s - self._detector_cpu_s()
                _ticking(doors, self._plan.seconds)
                cpu_s = _process_cpu_s() - decoding.cpu_s - self._detector_cpu_s() - cpu_s
                after, ended_ns = _pages(doors), time.time_ns()
                waits_s = self._metrics.queue_wait_s[first_wait:]
        heard = np.load(messages)
        return Readings(
            seconds=(ended_ns - started_ns) / 1e9,
            ceiling_fps=ceiling_fps,
            before=before,
            after=after,
            final=_pages(doors),
            cpu_s=cpu_s,
            messages=heard[(heard[:, 0] >= started_ns) & (heard[:, 0] < ended_ns)],
            queue_ms=np.array(waits_s) * 1e3,
            watched_fps=watched_fps[0],
        )

    def _write_config(self) -> Path:
        plan = self._plan
        synthetic = {"url": f"synthetic://bench?size={plan.size}&fps={plan.fps:g}"}
        played = {"url": f"file:{DEMO}", "file": {"loop": True, "realtime": True}}
        camera = played if plan.clip else synthetic
        cameras = {f"cam{n:02d}": camera for n in range(plan.cameras)}
        config = {
            "version": 1,
            "defaults": {"detect": {"fps": plan.fps}},
            "model": {"precision": plan.precision},
            "batching": {"max_batch": plan.max_batch, "max_delay_ms": plan.max_delay_ms},
            "cameras": cameras,
            "sinks": {"zeromq": {"bind": self._zeromq, "high_water_mark": 100_000}},
            "http": {"listen": self._http},
        }
        path = self._folder / "bench.yaml"
        path.write_text(json.dumps(config))  # JSON is YAML
        return path

    @property
    def _metrics(self) -> RecordingMetrics:
        assert self._recording is not None  # noqa: S101 - the app made it
        return self._recording

    def _record(self, registry: CollectorRegistry) -> Metrics:
        self._recording = RecordingMetrics(registry)
        return self._recording

    def _build(self, wanted: DetectorSpec) -> Detector:
        plan = self._plan
        detector: Detector = (
            build_detector(wanted)
            if plan.real
            else SimulatedDetector(
                batch_ms=plan.batch_ms,
                image_ms=plan.image_ms,
                max_batch=wanted.max_batch,
                input_size=INPUT_SIZE,
            )
        )
        self._detector = detector
        return detector

    def _detector_cpu_s(self) -> float:
        return self._detector.cpu_s if isinstance(self._detector, SimulatedDetector) else 0.0

    def _ceiling_fps(self) -> float:
        """Frames per second of full batches back to back."""
        plan, detector = self._plan, self._detector
        assert detector is not None  # noqa: S101 - load_model built it
        if not plan.real:
            return plan.max_batch / (plan.batch_ms + plan.image_ms * plan.max_batch) * 1e3
        spec = detector.input_spec
        pixels = np.zeros((plan.max_batch, spec.height, spec.width, 3), np.uint8)
        letterboxes = [Letterbox.fit((1280, 720), spec)] * plan.max_batch
        started_s, runs = time.monotonic(), 0
        while (seconds := time.monotonic() - started_s) < CEILING_S:
            detector.detect(pixels, letterboxes)
            runs += 1
        return runs * plan.max_batch / seconds

    @contextmanager
    def _subscriber(self) -> Iterator[Path]:
        """A listener in another process; its file is complete when the block is left."""
        file = self._folder / "messages.npy"
        command = [sys.executable, "-m", "daemon.bench.listener", self._zeromq, str(file)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as listener:  # noqa: S603 - ours
            yield file
            listener.communicate(timeout=30)  # closes its standard input

    @contextmanager
    def _viewers(self) -> Iterator[list[float]]:
        """Viewers in another process; their rate is in the list when the block is left."""
        if not self._plan.viewers:
            yield [0.0]
            return
        cameras = [f"cam{n % self._plan.cameras:02d}" for n in range(self._plan.viewers)]
        command = [sys.executable, "-m", "daemon.bench.viewers", self._http, *cameras]
        with subprocess.Popen(  # noqa: S603 - ours
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as viewers:
            watched_fps: list[float] = []
            yield watched_fps
            watched_fps.append(float(viewers.communicate(timeout=30)[0]))


def _ticking(doors: Doors, seconds: float) -> None:
    """Let the daemon run, with its tick every second."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        doors.tick()
        time.sleep(min(1.0, left_s))


def _pages(doors: Doors) -> dict[str, Page]:
    return {camera.status.camera: camera.page for camera in doors.reporter.cameras()}


def _process_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
