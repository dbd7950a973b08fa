"""Series that are fed as things happen: latencies, batches, and counts that nobody else keeps.

What somebody counts already (frames by fate, states, sinks) is read by `daemon.metrics.scraped`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from daemon.books.states import CameraState, CameraStatus
from daemon.capture.observer import Damage

Trigger = Literal["full", "deadline", "idle"]

TRIGGERS: tuple[Trigger, ...] = ("full", "deadline", "idle")
INFERENCE_ERRORS = ("oom", "runtime")
OTHER = "other"

_SHORT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_WAIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0)
_INFER_S = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0)
_E2E_S = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)
_CONNECT_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_BATCH = (1, 2, 4, 8, 12, 16, 24, 32)
_RATIO = (0.25, 0.5, 0.625, 0.75, 0.875, 1.0)


@dataclass(frozen=True, slots=True)
class _CameraSeries:
    """Label children of one camera, resolved once."""

    queue_wait: Histogram
    age: Histogram
    latency: Histogram
    labels: dict[str, Counter] = field(default_factory=dict)


class Metrics:
    """Every method may be called from any thread; those of the hot path cost a few microseconds.

    Cameras must be announced (`add_camera`) before they are observed; what comes for a camera that
    was removed meanwhile is not counted. `link_reasons` are the words that a lost link may give as
    its reason; any other one counts as `other`.
    """

    def __init__(self, registry: CollectorRegistry, *, link_reasons: Iterable[str] = ()) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # would double the counters
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._lock = threading.Lock()
        self._cameras: dict[str, _CameraSeries] = {}
        self._link_reasons = frozenset([*link_reasons, OTHER])
        self._flow = _FlowFamilies(registry)
        self._link = _LinkFamilies(registry)

    def add_camera(self, camera: str) -> None:
        """Create the series of a camera, at zero where zero means something."""
        flow, link = self._flow, self._link
        for damage in get_args(Damage):
            link.decode_errors.labels(camera, damage)
        for reason in self._link_reasons:
            link.reconnects.labels(camera, reason)
        link.stalls.labels(camera)
        with self._lock:
            self._cameras[camera] = _CameraSeries(
                flow.queue_wait.labels(camera), flow.age.labels(camera), flow.latency.labels(camera)
            )

    def remove_camera(self, camera: str) -> None:
        """Its series go away; unknown names are ignored."""
        with self._lock:
            self._cameras.pop(camera, None)
        flow, link = self._flow, self._link
        for family in (flow.queue_wait, flow.age, flow.latency, flow.detections):
            family.remove_by_labels({"camera": camera})
        for series in (link.decode_errors, link.reconnects, link.stalls, link.clock_offset):
            series.remove_by_labels({"camera": camera})

    def use_model(self, name: str, buckets: Sequence[int]) -> None:
        """Create the series of the model that runs from now on, and of its batch sizes."""
        for bucket in buckets:
            self._flow.inference.labels(name, str(bucket))
        for reason in INFERENCE_ERRORS:
            self._flow.inference_errors.labels(name, reason)

    def observe_batch(self, size: int, bucket: int, trigger: Trigger, wait_s: float) -> None:
        """A batch of `size` frames, padded to `bucket`, left after waiting `wait_s` for company."""
        flow = self._flow
        flow.batch_size.observe(size)
        flow.batch_fill.observe(size / bucket)
        flow.batch_wait.observe(wait_s)
        flow.triggers[trigger].inc()

    def observe_inference(self, model: str, bucket: int, seconds: float) -> None:
        """One run of the detector that gave an answer."""
        self._flow.inference.labels(model, str(bucket)).observe(seconds)
        self._flow.busy.inc(seconds)

    def count_inference_error(self, model: str, reason: str) -> None:
        """One run of the detector that gave none; any reason but `oom` counts as `runtime`."""
        known = reason if reason in INFERENCE_ERRORS else "runtime"
        self._flow.inference_errors.labels(model, known).inc()

    def observe_frame(self, camera: str, age_at_dispatch_s: float, queue_wait_s: float) -> None:
        """A frame left its slot for the detector: its age since capture, its wait in the slot."""
        series = self._cameras.get(camera)
        if series is not None:
            series.age.observe(age_at_dispatch_s)
            series.queue_wait.observe(queue_wait_s)

    def observe_published(self, camera: str, latency_s: float) -> None:
        """The answer for a frame was handed to the sinks, `latency_s` after its capture."""
        series = self._cameras.get(camera)
        if series is not None:
            series.latency.observe(latency_s)

    def count_detections(self, camera: str, label: str, n: int) -> None:
        """`label` must be one of the model's: it becomes a series."""
        series = self._cameras.get(camera)
        if series is None:
            return
        counter = series.labels.get(label)
        if counter is None:
            counter = series.labels[label] = self._flow.detections.labels(camera, label)
        counter.inc(n)

    def publish_observer(self, sink: str) -> Callable[[float], None]:
        """Where a sink reports the seconds that each of its writes took."""
        return self._flow.publish.labels(sink).observe

    def status_changed(self, status: CameraStatus) -> None:
        """A listener for `StatusBoard.on_change`: counts lost links and stalls."""
        if status.camera not in self._cameras:
            return
        if status.state is CameraState.BACKOFF:
            reason = status.reason if status.reason in self._link_reasons else OTHER
            self._link.reconnects.labels(status.camera, reason).inc()
        elif status.state is CameraState.STALLED:
            self._link.stalls.labels(status.camera).inc()

    def observe_connect(self, seconds: float) -> None:
        """A camera was opened and gave its first picture after `seconds`."""
        self._link.connect.observe(seconds)

    def observe_frame_interval(self, seconds: float) -> None:
        """Time between two frames of one camera."""
        self._link.interval.observe(seconds)

    def observe_camera_clock(self, camera: str, behind_s: float) -> None:
        """A picture arrived this long after the camera's own clock says that it was taken."""
        if camera in self._cameras:
            self._link.clock_offset.labels(camera).set(behind_s)

    def count_decode_error(self, camera: str, damage: Damage) -> None:
        if camera in self._cameras:
            self._link.decode_errors.labels(camera, damage).inc()


class _FlowFamilies:
    """From the slot to the sinks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def histogram(
            name: str, text: str, bounds: Sequence[float], labels: Sequence[str] = ()
        ) -> Histogram:
            return Histogram(f"vedette_{name}", text, labels, buckets=bounds, registry=registry)

        def counter(name: str, text: str, labels: Sequence[str] = ()) -> Counter:
            return Counter(f"vedette_{name}", text, labels, registry=registry)

        camera = ("camera",)
        self.queue_wait = histogram(
            "queue_wait_seconds", "Wait of a frame in its slot.", _WAIT_S, camera
        )
        self.age = histogram(
            "frame_age_at_dispatch_seconds",
            "Age of a frame, since capture, when it left for the detector.",
            _WAIT_S,
            camera,
        )
        self.latency = histogram(
            "end_to_end_latency_seconds",
            "Capture to publish of one frame, on the monotonic clock.",
            _E2E_S,
            camera,
        )
        self.detections = counter(
            "detections_total", "Objects reported, by label.", ("camera", "label")
        )
        self.batch_size = histogram("batch_size", "Frames in one run of the detector.", _BATCH)
        self.batch_fill = histogram(
            "batch_fill_ratio", "Frames over the bucket they were padded to.", _RATIO
        )
        self.batch_wait = histogram(
            "batch_wait_seconds", "Time a batch waited to be filled.", _WAIT_S
        )
        batches = counter("batches_total", "Batches, by what sent them off.", ("trigger",))
        self.triggers = {trigger: batches.labels(trigger) for trigger in TRIGGERS}
        self.inference = histogram(
            "inference_duration_seconds",
            "One run of the detector, by padded batch size.",
            _INFER_S,
            ("model", "batch_bucket"),
        )
        self.inference_errors = counter(
            "inference_errors_total", "Runs of the detector without answer.", ("model", "reason")
        )
        self.busy = counter(
            "accelerator_busy_seconds_total", "Time the detector ran; its rate is the duty cycle."
        )
        self.publish = histogram(
            "publish_duration_seconds", "One write of a sink.", _SHORT_S, ("sink",)
        )


class _LinkFamilies:
    """From the camera to the slot."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connect = Histogram(
            "vedette_connect_duration_seconds",
            "Opening a camera, up to its first picture.",
            buckets=_CONNECT_S,
            registry=registry,
        )
        self.interval = Histogram(
            "vedette_frame_interval_seconds",
            "Time between two frames of a camera.",
            buckets=_SHORT_S,
            registry=registry,
        )
        self.decode_errors = Counter(
            "vedette_decode_errors_total",
            "Pictures that could not be decoded.",
            ("camera", "kind"),
            registry=registry,
        )
        self.reconnects = Counter(
            "vedette_reconnects_total",
            "Lost or refused links, by reason.",
            ("camera", "reason"),
            registry=registry,
        )
        self.clock_offset = Gauge(
            "vedette_camera_clock_offset_seconds",
            "Arrival of a picture less its time by the camera's own clock (time_source: rtcp).",
            ("camera",),
            registry=registry,
        )
        self.stalls = Counter(
            "vedette_stalls_total",
            "Times a camera stayed open and fell silent.",
            ("camera",),
            registry=registry,
        )
