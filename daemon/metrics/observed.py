"""Series that are fed as things happen: latencies, batches, and counts that nobody else keeps.

What somebody counts already (frames by fate, states, sinks) is read by `daemon.metrics.scraped`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
)

from daemon.books.states import CameraState, CameraStatus
from daemon.metrics.families import process_series
from daemon.metrics.histograms import Histograms
from daemon.metrics.objects import ObjectFamilies, ObjectSeries
from daemon.pipeline.policy import Trigger
from daemon.seats.counting import Damage
from daemon.tracking.happenings import Counts, Happening

INFERENCE_ERRORS = ("oom", "runtime")
OTHER = "other"

_SHORT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_WAIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0)
_INFER_S = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0)
_E2E_S = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)
_CONNECT_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_BATCH = (1, 2, 4, 8, 12, 16, 24, 32)
_RATIO = (0.25, 0.5, 0.625, 0.75, 0.875, 1.0)


class Metrics:
    """Every method may be called from any thread; those of the hot path cost a few microseconds.

    `link_reasons` are the words that a lost link may give as its reason; any other one counts as
    `other`.
    """

    def __init__(self, registry: CollectorRegistry, *, link_reasons: Iterable[str] = ()) -> None:
        process_series(registry)
        self._link_reasons = frozenset([*link_reasons, OTHER])
        self._flow = _FlowFamilies(registry)
        self._link = _LinkFamilies(registry)
        self._objects = ObjectFamilies(registry)

    def camera(self, name: str) -> CameraSeries:
        """Create the series of a camera, at zero where zero means something."""
        return CameraSeries(name, self._flow, self._link, self._objects, self._link_reasons)

    def use_model(self, name: str, buckets: Sequence[int]) -> None:
        """Create the series of the model that runs from now on, and of its batch sizes."""
        for bucket in buckets:
            self._flow.inference.labels(name, str(bucket))
        for reason in INFERENCE_ERRORS:
            self._flow.inference_errors.labels(name, reason)

    def observe_batch(self, size: int, bucket: int, trigger: Trigger, wait_s: float) -> None:
        """A batch of `size` rows, padded to `bucket`, left after waiting `wait_s` for company."""
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

    def publish_observer(self, sink: str) -> Callable[[float], None]:
        """Where a sink reports the seconds that each of its writes took."""
        return self._flow.publish.labels(sink).observe


class CameraSeries:
    """What is counted of one camera: a `Counting`, with its label children resolved once."""

    def __init__(
        self,
        name: str,
        flow: _FlowFamilies,
        link: _LinkFamilies,
        objects: ObjectFamilies,
        link_reasons: Collection[str],
    ) -> None:
        self._name = name
        self._families = objects
        self._objects = ObjectSeries(name, objects)
        self._flow = flow
        self._link = link
        self._lock = threading.Lock()  # between new series and `close`
        self._closed = False
        self._queue_wait = flow.queue_wait.labels(name)
        self._age = flow.age.labels(name)
        self._latency = flow.latency.labels(name)
        self._rows = flow.rows.labels(name)
        self._labels: dict[str, Counter] = {}
        self._errors = {kind: link.decode_errors.labels(name, kind) for kind in get_args(Damage)}
        self._reconnects = {why: link.reconnects.labels(name, why) for why in link_reasons}
        self._stalls = link.stalls.labels(name)

    def observe_frame(self, *, age_at_dispatch_s: float, queue_wait_s: float) -> None:
        self._age.observe(age_at_dispatch_s)
        self._queue_wait.observe(queue_wait_s)

    def count_rows(self, rows: int) -> None:
        self._rows.inc(rows)

    def observe_published(self, latency_s: float) -> None:
        self._latency.observe(latency_s)

    def count_detections(self, label: str, n: int) -> None:
        counter = self._labels.get(label)
        if counter is None:
            with self._lock:
                if self._closed:
                    return
                counter = self._labels[label] = self._flow.detections.labels(self._name, label)
        counter.inc(n)

    def observe_connect(self, seconds: float) -> None:
        self._link.connect.observe(seconds)

    def observe_frame_interval(self, seconds: float) -> None:
        self._link.interval.observe(seconds)

    def observe_camera_clock(self, behind_s: float) -> None:
        with self._lock:
            if not self._closed:
                self._link.clock_offset.labels(self._name).set(behind_s)

    def count_decode_error(self, damage: Damage) -> None:
        self._errors[damage].inc()

    def gate_looked(self, *, missed: bool) -> None:
        with self._lock:
            if not self._closed:
                self._link.gate_looks.labels(self._name).inc()
                self._link.gate_missed.labels(self._name).inc(missed)

    def happened(self, happening: Happening) -> None:
        with self._lock:
            if not self._closed:
                self._objects.happened(happening)

    def counted(self, counts: Counts) -> None:
        with self._lock:
            if not self._closed:
                self._objects.counted(counts)

    def status_changed(self, status: CameraStatus) -> None:
        """Counts lost links and stalls."""
        if status.state is CameraState.BACKOFF:
            self._reconnects.get(status.reason, self._reconnects[OTHER]).inc()
        elif status.state is CameraState.STALLED:
            self._stalls.inc()

    def close(self) -> None:
        """The series go away; what is still observed is seen by nobody."""
        flow, link = self._flow, self._link
        with self._lock:
            self._closed = True
            self._families.remove(self._name)
            for family in (flow.queue_wait, flow.age, flow.latency, flow.rows, flow.detections):
                family.remove_by_labels({"camera": self._name})
            for series in link.of_camera:
                series.remove_by_labels({"camera": self._name})


class _FlowFamilies:
    """From the slot to the sinks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def histogram(
            name: str, text: str, bounds: Sequence[float], labels: Sequence[str] = ()
        ) -> Histograms:
            return Histograms(name, text, bounds, labels, registry=registry)

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
        self.rows = counter(
            "rows_total", "Rows of batches that pictures took: one each, and their tiles.", camera
        )
        self.batch_size = histogram(
            "batch_size", "Rows (pictures and tiles) in one run of the detector.", _BATCH
        ).labels()
        self.batch_fill = histogram(
            "batch_fill_ratio", "Rows over the bucket they were padded to.", _RATIO
        ).labels()
        self.batch_wait = histogram(
            "batch_wait_seconds", "Time a batch waited to be filled.", _WAIT_S
        ).labels()
        batches = counter("batches_total", "Batches, by what sent them off.", ("trigger",))
        self.triggers = {trigger: batches.labels(trigger) for trigger in get_args(Trigger)}
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
        self.connect = Histograms(
            "connect_duration_seconds",
            "Opening a camera, up to its first picture.",
            _CONNECT_S,
            registry=registry,
        ).labels()
        self.interval = Histograms(
            "frame_interval_seconds",
            "Time between two frames of a camera.",
            _SHORT_S,
            registry=registry,
        ).labels()
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
        self.gate_looks = Counter(
            "vedette_gate_looks_total",
            "Pictures that were answered although nothing had changed.",
            ("camera",),
            registry=registry,
        )
        self.gate_missed = Counter(
            "vedette_gate_missed_total",
            "Of these, pictures in which an object was found.",
            ("camera",),
            registry=registry,
        )
        self.of_camera = (
            self.decode_errors,
            self.reconnects,
            self.stalls,
            self.clock_offset,
            self.gate_looks,
            self.gate_missed,
        )
