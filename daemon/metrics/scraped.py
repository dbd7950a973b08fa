"""Series that are read from the daemon's own books at scrape time (HTTP thread).

Nothing is counted twice, and the series of a camera that is gone are gone by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from platform import python_version

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from daemon.books.reports import (
    CameraReport,
    ConfigReport,
    ModelReport,
    RecorderReport,
    Reporter,
)
from daemon.books.states import CameraState, CameraStatus, Tampering
from daemon.metrics.families import Family, connections, counter, gauge
from daemon.metrics.outlets import sink_families


class ReportCollector(Collector):
    """Turns a reporter's reports into families; register it once the reporter may be asked."""

    def __init__(self, reporter: Reporter, *, started_ns: int) -> None:
        self._reporter = reporter
        self._started_ns = started_ns

    def collect(self) -> Iterator[Family]:
        reporter = self._reporter
        yield from _process(self._started_ns, ready=reporter.readiness().ready)
        yield from _config(reporter.config())
        cameras = reporter.cameras()
        yield from _links(cameras)
        yield from _frames(cameras)
        yield from _queues(reporter)
        yield from sink_families(reporter.sinks())
        yield from connections(reporter.attendances())
        yield from _recordings(reporter.recorder())
        yield from _model(reporter.model())


def _process(started_ns: int, *, ready: bool) -> Iterator[Family]:
    build = {
        "version": _version("vedette"),
        "python": python_version(),
        "tensorflow": _version("tensorflow"),
    }
    yield gauge("build_info", "What runs here; always 1.", build, [(tuple(build.values()), 1)])
    yield gauge("ready", "1 while /readyz answers 200.", (), [((), ready)])
    yield gauge("start_timestamp_seconds", "When the daemon started.", (), [((), started_ns / 1e9)])


def _config(config: ConfigReport) -> Iterator[Family]:
    last = config.last_reload
    yield gauge(
        "config_last_reload_successful",
        "1 while the file said something usable when it was last read.",
        (),
        [((), last is None or last.result.is_success)],
    )
    yield gauge(
        "config_last_reload_success_timestamp_seconds",
        "When it last did.",
        (),
        [((), config.succeeded_ns / 1e9)],
    )
    yield counter(
        "config_reloads",
        "Reloads, by what became of them.",
        ("result",),
        [((result,), count) for result, count in config.reloads.items()],
    )
    yield gauge(
        "config_hash_info",
        "The configuration that holds; always 1.",
        ("hash",),
        [((config.hash,), 1)],
    )


def _links(cameras: Sequence[CameraReport]) -> Iterator[Family]:
    def per_camera(
        name: str, text: str, value: Callable[[CameraReport], float | None]
    ) -> GaugeMetricFamily:
        rows = [((camera.status.camera,), value(camera)) for camera in cameras]
        return gauge(name, text, ("camera",), rows)

    yield per_camera("camera_up", "1 while pictures come.", lambda c: c.status.state.is_up)
    yield gauge(
        "camera_state",
        "1 for the state the camera is in, 0 for the others.",
        ("camera", "state"),
        [
            ((camera.status.camera, state), camera.status.state is state)
            for camera in cameras
            for state in CameraState
        ],
    )
    yield gauge(
        "camera_tampered",
        "1 for what is wrong with the camera's view, of what `watch` looks for.",
        ("camera", "reason"),
        [
            ((camera.status.camera, reason), _shows(camera.status, reason))
            for camera in cameras
            for reason in Tampering
        ],
    )
    yield per_camera(
        "camera_paused", "1 while somebody has paused detection of the camera.", lambda c: c.paused
    )
    streams = [(c.status.camera, c.status.stream) for c in cameras if c.status.stream]
    yield gauge(
        "camera_info",
        "What the newest stream of the camera is; always 1.",
        ("camera", "codec", "width", "height", "transport", "decoder"),
        [
            ((name, s.codec, str(s.width), str(s.height), s.transport, s.decoder), 1)
            for name, s in streams
        ],
    )
    yield per_camera(
        "camera_last_frame_timestamp_seconds",
        "When the newest frame arrived.",
        lambda c: None if c.status.last_frame_ns is None else c.status.last_frame_ns / 1e9,
    )
    yield per_camera(
        "camera_target_fps", "Frames per second that detect.fps asks for.", lambda c: c.target_fps
    )
    yield per_camera(
        "camera_nominal_fps",
        "Frames per second that the stream announces.",
        lambda c: c.status.stream.fps if c.status.stream else None,
    )
    yield per_camera(
        "camera_most_rows",
        "Rows of a batch that a picture of a camera with tiles may take.",
        lambda c: c.most_rows,
    )
    yield per_camera(
        "reconnect_backoff_seconds",
        "The wait that runs before the camera is tried again; 0 when none does.",
        lambda c: (c.status.retry_s or 0) if c.status.state is CameraState.BACKOFF else 0,
    )


def _shows(status: CameraStatus, reason: Tampering) -> bool:
    return status.state is CameraState.TAMPERED and status.reason == reason


def _frames(cameras: Sequence[CameraReport]) -> Iterator[Family]:
    """The books: captured = processed + dropped + in flight, at every scrape."""
    pages = [(camera.status.camera, camera.page) for camera in cameras]
    yield counter(
        "capture_frames",
        "Frames that arrived.",
        ("camera",),
        [((name,), page.captured) for name, page in pages],
    )
    yield counter(
        "frames_processed",
        "Frames that the detector answered.",
        ("camera",),
        [((name,), page.inferred) for name, page in pages],
    )
    yield counter(
        "frames_dropped",
        "Frames without answer, by reason.",
        ("camera", "reason"),
        [((name, drop), count) for name, page in pages for drop, count in page.dropped.items()],
    )
    yield counter(
        "capture_cpu_seconds",
        "Processor time that reading and decoding took.",
        ("camera",),
        [((camera.status.camera,), camera.decode_s) for camera in cameras],
    )
    yield gauge(
        "frames_in_flight",
        "Frames in a slot, a batch or the detector.",
        ("camera",),
        [((name,), page.in_flight) for name, page in pages],
    )


def _queues(reporter: Reporter) -> Iterator[Family]:
    queues = reporter.queues()
    yield gauge(
        "queue_depth", "What waits in a queue.", ("queue",), [((q.name,), q.depth) for q in queues]
    )
    yield gauge(
        "queue_capacity",
        "Where a queue begins to drop.",
        ("queue",),
        [((q.name,), q.capacity) for q in queues],
    )


def _recordings(recorder: RecorderReport) -> Iterator[Family]:
    """Only cameras that record, or have recordings, have these series."""
    reports = recorder.cameras.items()
    yield gauge(
        "recorder_up",
        "1 while recordings can be written, or none are wanted.",
        (),
        [((), not recorder.failing)],
    )
    yield counter(
        "recordings",
        "Snapshots and clips that were written.",
        ("camera", "kind"),
        [
            ((name, kind), count)
            for name, report in reports
            for kind, count in (("snapshot", report.snapshots), ("clip", report.clips))
        ],
    )
    yield counter(
        "recordings_failed",
        "Snapshots and clips that could not be written.",
        ("camera",),
        [((name,), report.failed) for name, report in reports],
    )
    yield counter(
        "recorder_pictures_missed",
        "Pictures that the recorder was too slow for.",
        ("camera",),
        [((name,), report.missed) for name, report in reports],
    )
    yield counter(
        "recordings_deleted",
        "Recordings that were deleted, as too old or too much.",
        ("camera", "reason"),
        [((name, why), n) for name, report in reports for why, n in report.deleted.items()],
    )
    yield gauge(
        "recordings_stored",
        "Recordings on disk.",
        ("camera",),
        [((name,), report.stored) for name, report in reports],
    )
    yield gauge(
        "recordings_stored_bytes",
        "What they take; max_gb bounds it.",
        ("camera",),
        [((name,), report.stored_bytes) for name, report in reports],
    )


def _model(model: ModelReport | None) -> Iterator[Family]:
    models = [model] if model else []
    yield gauge(
        "model_info",
        "The detector that runs; always 1.",
        ("model", "precision", "sha"),
        [((m.name, m.precision, m.weights_sha256[:12]), 1) for m in models],
    )
    yield gauge(
        "model_loaded_timestamp_seconds",
        "When the detector was built.",
        (),
        [((), m.loaded_ns / 1e9) for m in models],
    )
    yield gauge(
        "model_warmup_seconds",
        "Time that tracing and warming every batch size took.",
        (),
        [((), m.warmup_s) for m in models],
    )
    yield gauge(
        "max_batch",
        "Most rows in one run of the detector; less than configured once memory has run out.",
        (),
        [((), m.max_batch) for m in models],
    )
    yield gauge(
        "detector_pace",
        "Pictures a second that the detector does at best, by the batches so far.",
        (),
        [((), m.pace) for m in models],
    )
    yield counter(
        "inference_retraces",
        "Graphs traced after the warm-up; anything but 0 is a fault.",
        (),
        [((), m.retraces if m else 0) for m in (model,)],
    )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
