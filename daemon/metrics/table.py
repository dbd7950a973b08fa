"""docs/metrics.md, made from the series themselves.

Run as `python -m daemon.metrics.table > docs/metrics.md`; a test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import get_args

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from config.camera import CameraConfig
from daemon.books.accounting import Ledger
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
from daemon.metrics.observed import Metrics
from daemon.metrics.scraped import ReportCollector
from daemon.tracking.happenings import Counts, Happening, Moment, Phase, Portrait
from sinks.crowd import Attendance, HangUp
from sinks.links import LinkReport, LinkState, Told
from sinks.messages import Kind
from sinks.sink import Loss, SinkCounts

HEAD = """\
# Metrics

What `/metrics` tells. Written by `python -m daemon.metrics.table`; do not edit.

Besides these there are the usual `process_*` and `python_gc_*` series. `camera` is a name from the
configuration, as are `zone`, `line` and `direction`; `label` is one of the model's, every other
label one of a short fixed list. The series of a camera that is removed go away. At every scrape,
for every camera:

    capture_frames_total = frames_processed_total + Σ frames_dropped_total + frames_in_flight

| Series | Type | Labels | Meaning |
| --- | --- | --- | --- |
"""


class _Sample:
    """One of everything that can be reported, so that every family shows its labels."""

    def cameras(self) -> list[CameraReport]:
        stream = StreamInfo("h264", 1920, 1080, 30.0, "tcp", "software")
        status = CameraStatus(
            "gate", CameraState.STREAMING, stream=stream, last_frame_s=1.0, last_frame_ns=1
        )
        return [
            CameraReport(status, Ledger().page(), CameraConfig(url="synthetic://gate"), most_rows=1)
        ]

    def queues(self) -> list[QueueReport]:
        return [QueueReport("slots", 0, 1)]

    def sinks(self) -> list[SinkReport]:
        counts = SinkCounts(dict.fromkeys(Kind, 0), 0, dict.fromkeys(Loss, 0), 0)
        link = LinkReport("broker:1883", LinkState.CONNECTED, 1)
        told = Told({"cooldown": 0})
        return [SinkReport("mqtt", counts, subscribers=0, link=link, told=told)]

    def attendances(self) -> list[Attendance]:
        return [Attendance("http", 0, 1, dict.fromkeys(HangUp, 0))]

    def recorder(self) -> RecorderReport:
        return RecorderReport("", QueueReport("recorder", 0, 1), {"gate": RecordingReport()})

    def model(self) -> ModelReport:
        return ModelReport(
            "efficientdet-lite0", "float32", ("person",), "0" * 64, 1, 1.0, 8, pace=60.0
        )

    def config(self) -> ConfigReport:
        return ConfigReport("0" * 12, 1, 1, dict.fromkeys(ReloadResult, 0))

    def readiness(self) -> Readiness:
        return Readiness(model_warm=True, sinks_bound=True, capture_started=True, not_draining=True)

    def stuck(self) -> None:
        return None


def table() -> str:
    """The whole page."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    series = metrics.camera("gate")
    metrics.use_model("efficientdet-lite0", (1,))
    metrics.publish_observer("zeromq")
    series.count_detections("person", 1)
    series.observe_camera_clock(0.0)
    for happening in _happenings():
        series.happened(happening)
    series.counted(Counts({"person": 1}, {"driveway": {"person": 1}}, {}))
    series.status_changed(CameraStatus("gate", CameraState.BACKOFF, "timeout"))
    registry.register(ReportCollector(_Sample(), started_ns=1))
    families = sorted(registry.collect(), key=lambda family: family.name)
    return HEAD + "".join(_rows(families))


def _happenings() -> Iterator[Happening]:
    """One of everything that can happen."""
    seen = Moment(1, 1.0, (0.0, 0.0, 1.0, 1.0))
    of = Portrait(1, "person", 1.0, seen.box, seen, seen, (), stationary=False)
    for phase in get_args(Phase):
        yield Happening("object", phase, of, 1, 1, (1, 1), place="place", direction="in")


def _rows(families: list[Metric]) -> Iterator[str]:
    for family in families:
        if family.name.startswith("vedette_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = dict.fromkeys(label for s in family.samples for label in s.labels)
            shown = ", ".join(f"`{label}`" for label in labels if label != "le")
            yield f"| `{name}` | {family.type} | {shown} | {family.documentation} |\n"


if __name__ == "__main__":
    sys.stdout.write(table())
