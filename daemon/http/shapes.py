"""The JSON that the API answers with: plain functions from reports to dictionaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from config.camera import CameraConfig
from daemon.answers.records import detection_records
from daemon.books.accounting import Page, total
from daemon.books.reports import CameraReport, ConfigReport, ModelReport, Reporter
from daemon.diagnosis.trouble import address_of, trouble
from daemon.http.history import STEP_S, Point
from daemon.http.rates import Fps
from daemon.seats.sight import Sight
from daemon.seats.view import View
from detector.letterbox import Rect
from sinks.messages import CountMessage

Json = dict[str, object]


def camera_json(
    report: CameraReport,
    sight: Sight | None,
    fps: Fps | None,
    counts: CountMessage | None = None,
    *,
    now_s: float,
) -> Json:
    """One camera as the list of cameras shows it; ages and durations in seconds."""
    status, config = report.status, report.config
    said = trouble(status, config)
    return {
        "name": status.camera,
        "address": address_of(config),
        "state": status.state,
        "reason": status.reason,
        "paused": report.paused,
        "in_state_s": _seconds(now_s - status.since_s),
        "retry_s": status.retry_s,
        "blind_s": None if status.blind_since_s is None else _seconds(now_s - status.blind_since_s),
        "trouble": asdict(said) if said else None,
        "reconnects": status.reconnects,
        "stream": asdict(status.stream) if status.stream else None,
        "fps": {
            "target": report.target_fps,
            "captured": round(fps.captured, 2) if fps else None,
            "inferred": round(fps.inferred, 2) if fps else None,
        },
        "frames": page_json(report.page),
        "last_frame_age_s": (
            None if status.last_frame_s is None else _seconds(now_s - status.last_frame_s)
        ),
        "last_frame_ns": status.last_frame_ns,
        "picture": None if sight is None else picture_json(sight, now_s=now_s),
        "roi": config.detect.roi,
        "crop": View.of(config.detect).crop,
        "tiles": _tiles_json(report),
        **places_json(config),
        "counts": None if counts is None else counts_json(counts),
        "records": config.record.wanted,
    }


def _tiles_json(report: CameraReport) -> Json | None:
    tiles = report.config.detect.tiles
    return None if tiles is None else {**tiles.model_dump(), "most_rows": report.most_rows}


def places_json(camera: CameraConfig) -> Json:
    """Zones and lines as the file has them: what it leaves to the defaults is left out."""
    shown = camera.model_dump(
        mode="json", by_alias=True, exclude_unset=True, include={"zones", "lines"}
    )
    return {"zones": shown.get("zones", {}), "lines": shown.get("lines", {})}


def counts_json(counts: CountMessage) -> Json:
    """How many there are, and were since `since_ns`."""
    return {
        "present": counts.present,
        "zones": counts.zones,
        "lines": counts.lines,
        "since_ns": counts.since_ns,
    }


def sight_json(camera: str, sight: Sight, *, now_s: float) -> Json:
    """A picture beside which it is sent, and what was found in it."""
    return {
        "camera": camera,
        "number": sight.number,
        **picture_json(sight, now_s=now_s),
        "detections": detection_records(sight.detections, sight.labels, sight.objects),
    }


def page_json(page: Page) -> Json:
    return {
        "captured": page.captured,
        "inferred": page.inferred,
        "dropped": page.dropped,
        "in_flight": page.in_flight,
        "balanced": page.balanced,
    }


def picture_json(sight: Sight, *, now_s: float) -> Json:
    """The last picture that was answered."""
    return {
        "captured_ns": sight.captured_ns,
        "age_s": _seconds(now_s - sight.captured_s),
        "latency_ms": round((sight.inferred_s - sight.captured_s) * 1000, 1),
        "size": sight.source_wh,
        "objects": len(sight.detections),
        "parts": [_fractions(part, sight.source_wh) for part in sight.parts],
    }


def _fractions(part: Rect, wh: tuple[int, int]) -> list[float]:
    return [round(edge / side, 4) for edge, side in zip(part, (*wh, *wh), strict=True)]


def status_json(reporter: Reporter, *, version: str, uptime_s: float) -> Json:
    """The daemon as a whole."""
    cameras = reporter.cameras()
    readiness = reporter.readiness()
    model = reporter.model()
    return {
        "version": version,
        "uptime_s": _seconds(uptime_s),
        "ready": readiness.ready,
        "readiness": asdict(readiness),
        "stuck": reporter.stuck(),
        "config": config_json(reporter.config()),
        "model": model_json(model) if model else None,
        "cameras": Counter(camera.status.state for camera in cameras),
        "frames": page_json(total(camera.page for camera in cameras)),
        "queues": [asdict(queue) for queue in reporter.queues()],
        "sinks": [asdict(sink) for sink in reporter.sinks()],
        "connections": [asdict(attendance) for attendance in reporter.attendances()],
        "recorder": {"failing": reporter.recorder().failing},
    }


def history_json(points: Sequence[Point]) -> Json:
    """A camera's last minutes as columns, oldest first: one number per `step_s` seconds."""
    return {
        "step_s": STEP_S,
        "captured_fps": [round(point.captured_fps, 2) for point in points],
        "inferred_fps": [round(point.inferred_fps, 2) for point in points],
        "lost_fps": [round(point.lost_fps, 2) for point in points],
        "latency_ms": [
            None if point.latency_ms is None else round(point.latency_ms, 1) for point in points
        ],
    }


def config_json(config: ConfigReport) -> Json:
    """The configuration that holds, and what became of the last attempt to replace it."""
    last = config.last_reload
    return {
        "hash": config.hash,
        "loaded_ns": config.loaded_ns,
        "last_reload": asdict(last) if last else None,
    }


def model_json(model: ModelReport) -> Json:
    return {
        "name": model.name,
        "precision": model.precision,
        "labels": model.labels,
        "weights_sha256": model.weights_sha256,
        "loaded_ns": model.loaded_ns,
        "warmup_s": _seconds(model.warmup_s),
    }


def _seconds(value: float) -> float:
    return round(value, 3)
