from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from daemon.books.accounting import Drop
from daemon.books.states import CameraState, CameraStatus
from daemon.metrics import Metrics, ReportCollector
from daemon.metrics.observed import CameraSeries
from daemon.metrics.table import table
from daemon.tracking.happenings import Counts, Event, Happening, Moment, Phase, Portrait
from tests.support.reporting import FakeReporter, busy_registry, camera_report

ROOT = Path(__file__).parents[4]


def metrics_of() -> tuple[CollectorRegistry, Metrics]:
    registry = CollectorRegistry()
    metrics = Metrics(registry, link_reasons=("timeout", "auth"))
    metrics.use_model("lite0", (1, 4))
    return registry, metrics


def series_of(*cameras: str) -> tuple[CollectorRegistry, list[CameraSeries]]:
    registry, metrics = metrics_of()
    return registry, [metrics.camera(camera) for camera in cameras]


def registry_of(reporter: FakeReporter) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(ReportCollector(reporter, started_ns=1_795_000_000_000_000_000))
    return registry


def test_every_drop_reason_is_there_at_zero_from_the_start() -> None:
    registry = registry_of(FakeReporter(camera_report("gate", dropped=0)))
    for reason in Drop:
        labels = {"camera": "gate", "reason": reason}
        assert registry.get_sample_value("vedette_frames_dropped_total", labels) == 0


def test_every_reason_of_what_is_counted_here_is_there_at_zero() -> None:
    registry, _ = series_of("gate")
    for name, labels in [
        ("reconnects", {"camera": "gate", "reason": "timeout"}),
        ("reconnects", {"camera": "gate", "reason": "other"}),
        ("stalls", {"camera": "gate"}),
        ("decode_errors", {"camera": "gate", "kind": "corrupt"}),
        ("inference_errors", {"model": "lite0", "reason": "oom"}),
    ]:
        assert registry.get_sample_value(f"vedette_{name}_total", labels) == 0, name


def test_the_books_on_the_page_obey_the_conservation_law() -> None:
    registry = registry_of(FakeReporter(camera_report("gate", inferred=5, dropped=4)))

    def value(name: str, **labels: str) -> float:
        found = registry.get_sample_value(f"vedette_{name}", {"camera": "gate", **labels})
        assert found is not None, name
        return found

    dropped = sum(value("frames_dropped_total", reason=reason) for reason in Drop)
    accounted = value("frames_processed_total") + dropped + value("frames_in_flight")
    assert value("capture_frames_total") == accounted == 10


def test_camera_state_is_one_hot() -> None:
    registry = registry_of(FakeReporter(camera_report("gate", CameraState.STALLED)))
    shown = {
        state: registry.get_sample_value("vedette_camera_state", {"camera": "gate", "state": state})
        for state in CameraState
    }
    assert shown == {state: float(state is CameraState.STALLED) for state in CameraState}
    assert registry.get_sample_value("vedette_camera_up", {"camera": "gate"}) == 0


def test_backoff_shows_its_wait_and_other_states_show_none() -> None:
    registry = registry_of(
        FakeReporter(
            camera_report("gate", CameraState.BACKOFF, retry_s=4.5),
            camera_report("yard", retry_s=4.5),
        )
    )
    name = "vedette_reconnect_backoff_seconds"
    assert registry.get_sample_value(name, {"camera": "gate"}) == 4.5
    assert registry.get_sample_value(name, {"camera": "yard"}) == 0


def test_a_camera_that_gave_no_frame_has_no_timestamp_rather_than_a_wrong_one() -> None:
    silent = camera_report("gate", CameraState.CONNECTING, last_frame_s=None)
    silent = replace(silent, status=replace(silent.status, stream=None))
    registry = registry_of(FakeReporter(silent))
    for name in ("camera_last_frame_timestamp_seconds", "camera_nominal_fps"):
        assert registry.get_sample_value(f"vedette_{name}", {"camera": "gate"}) is None


def test_a_removed_camera_leaves_no_series_behind() -> None:
    registry, (gate, yard) = series_of("gate", "yard")
    reporter = FakeReporter(camera_report("gate"), camera_report("yard"))
    registry.register(ReportCollector(reporter, started_ns=1))
    for camera in (gate, yard):
        camera.observe_frame(age_at_dispatch_s=0.01, queue_wait_s=0.005)
        camera.count_detections("person", 2)
    assert b'camera="gate"' in generate_latest(registry)

    gate.observe_camera_clock(0.2)
    gate.close()
    gate.observe_camera_clock(0.3)
    reporter.camera_reports.pop(0)
    gate.observe_frame(age_at_dispatch_s=0.01, queue_wait_s=0.005)
    gate.observe_published(0.1)
    gate.count_detections("person", 1)
    gate.count_detections("car", 1)
    gate.count_decode_error("corrupt")
    gate.status_changed(CameraStatus("gate", CameraState.BACKOFF, "timeout"))

    text = generate_latest(registry)
    assert b'camera="gate"' not in text
    assert b'camera="yard"' in text


def test_a_name_that_comes_back_begins_at_zero() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    before = metrics.camera("gate")
    before.count_detections("person", 2)
    before.close()
    after = metrics.camera("gate")
    before.count_detections("person", 2)
    after.count_detections("person", 1)
    labels = {"camera": "gate", "label": "person"}
    assert registry.get_sample_value("vedette_detections_total", labels) == 1


@pytest.mark.parametrize(
    ("reason", "counted_as"), [("auth", "auth"), ("", "other"), ("rtsp://u:p@h/", "other")]
)
def test_a_lost_link_is_counted_under_a_known_reason_only(reason: str, counted_as: str) -> None:
    registry, (gate,) = series_of("gate")
    gate.status_changed(CameraStatus("gate", CameraState.BACKOFF, reason))
    labels = {"camera": "gate", "reason": counted_as}
    assert registry.get_sample_value("vedette_reconnects_total", labels) == 1
    assert b"rtsp:" not in generate_latest(registry)


def test_a_stall_is_counted_and_a_recovery_is_not() -> None:
    registry, (gate,) = series_of("gate")
    gate.status_changed(CameraStatus("gate", CameraState.STALLED))
    gate.status_changed(CameraStatus("gate", CameraState.STREAMING))
    assert registry.get_sample_value("vedette_stalls_total", {"camera": "gate"}) == 1


def test_observations_reach_their_series() -> None:
    registry, metrics = metrics_of()
    gate = metrics.camera("gate")
    metrics.observe_batch(size=3, bucket=4, trigger="full", wait_s=0.004)
    metrics.observe_inference("lite0", 4, 0.08)
    gate.observe_frame(age_at_dispatch_s=0.03, queue_wait_s=0.01)
    gate.observe_published(0.12)
    gate.count_detections("person", 2)
    gate.count_detections("person", 1)
    metrics.publish_observer("zeromq")(0.001)
    gate.observe_connect(0.7)
    gate.observe_frame_interval(0.1)
    gate.count_decode_error("other")
    gate.gate_looked(missed=False)
    gate.gate_looked(missed=True)

    camera = {"camera": "gate"}
    model = {"model": "lite0", "batch_bucket": "4"}
    expected: list[tuple[str, dict[str, str], float]] = [
        ("batch_size_sum", {}, 3),
        ("batch_fill_ratio_sum", {}, 0.75),
        ("batch_wait_seconds_sum", {}, 0.004),
        ("batches_total", {"trigger": "full"}, 1),
        ("inference_duration_seconds_sum", model, 0.08),
        ("accelerator_busy_seconds_total", {}, 0.08),
        ("frame_age_at_dispatch_seconds_sum", camera, 0.03),
        ("queue_wait_seconds_sum", camera, 0.01),
        ("end_to_end_latency_seconds_sum", camera, 0.12),
        ("detections_total", {**camera, "label": "person"}, 3),
        ("publish_duration_seconds_sum", {"sink": "zeromq"}, 0.001),
        ("connect_duration_seconds_sum", {}, 0.7),
        ("frame_interval_seconds_sum", {}, 0.1),
        ("decode_errors_total", {**camera, "kind": "other"}, 1),
        ("gate_looks_total", camera, 2),
        ("gate_missed_total", camera, 1),
    ]
    for name, labels, value in expected:
        assert registry.get_sample_value(f"vedette_{name}", labels) == value, name


@pytest.mark.parametrize(("reason", "counted_as"), [("oom", "oom"), ("cosmic ray", "runtime")])
def test_an_inference_error_never_makes_a_new_series(reason: str, counted_as: str) -> None:
    registry, metrics = metrics_of()
    metrics.count_inference_error("lite0", reason)
    labels = {"model": "lite0", "reason": counted_as}
    assert registry.get_sample_value("vedette_inference_errors_total", labels) == 1


def test_before_the_model_is_built_the_page_says_not_ready_and_nothing_of_a_model() -> None:
    reporter = FakeReporter()
    reporter.model_report = None
    reporter.ready = replace(reporter.ready, model_warm=False)
    registry = registry_of(reporter)
    text = generate_latest(registry).decode()
    assert "vedette_ready 0.0" in text
    assert "vedette_model_info{" not in text
    assert registry.get_sample_value("vedette_inference_retraces_total") == 0


def test_sinks_show_what_they_sent_and_only_what_they_know() -> None:
    registry = registry_of(FakeReporter())
    zeromq = {"sink": "zeromq"}
    sent = {**zeromq, "kind": "detection"}
    assert registry.get_sample_value("vedette_published_messages_total", sent) == 7
    assert registry.get_sample_value("vedette_published_bytes_total", zeromq) == 4096
    lost = {**zeromq, "reason": "hwm"}
    assert registry.get_sample_value("vedette_publish_dropped_total", lost) == 0
    assert registry.get_sample_value("vedette_subscribers", zeromq) == 3
    assert registry.get_sample_value("vedette_subscribers", {"sink": "jsonl"}) is None


def test_the_page_carries_the_process_and_no_created_series() -> None:
    registry, _ = series_of("gate")
    text = generate_latest(registry).decode()
    assert "process_resident_memory_bytes" in text
    assert "python_gc_collections_total" in text
    assert "_created" not in text


def test_series_stay_within_the_budget_for_32_cameras() -> None:
    registry, _ = series_of(*(f"cam{number}" for number in range(32)))
    reporter = FakeReporter(*(camera_report(f"cam{number}") for number in range(32)))
    registry.register(ReportCollector(reporter, started_ns=1))
    series = sum(len(family.samples) for family in registry.collect())
    assert series < 200 + 32 * 90, "all of them record"


def test_documentation_is_what_the_registry_says() -> None:
    assert (ROOT / "docs/metrics.md").read_text(encoding="utf-8") == table()


def test_the_table_module_prints_the_page() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "daemon.metrics.table"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert done.stdout == table()


def test_the_page_of_64_cameras_is_less_than_a_megabyte() -> None:
    small, large = (len(generate_latest(busy_registry(cameras))) for cameras in (32, 64))
    assert large < 1_000_000
    assert large < 2 * small, "it grows with the cameras and with nothing else"


def test_objects_zones_and_crossings_are_counted_until_the_camera_goes() -> None:
    registry, (gate, _) = series_of("gate", "yard")
    seen = Moment(1, 0.9, (0.0, 0.0, 1.0, 1.0))
    person = Portrait(1, "person", 0.9, seen.box, seen, seen, (), stationary=False)

    def happens(event: Event, phase: Phase, **fields: Any) -> None:
        times = {"at_ns": 8 * 10**9, "since_ns": 10**9, "size": (64, 48)}
        gate.happened(Happening(event, phase, person, **times | fields))

    happens("object", "new")
    happens("zone", "entered", place="driveway")
    happens("zone", "left", place="driveway")
    happens("line", "crossed", place="door", direction="in")
    gate.counted(Counts({"person": 2}, {"driveway": {"person": 1}}, {}))
    labels = {"camera": "gate", "label": "person"}
    zone = labels | {"zone": "driveway"}
    expected = [
        ("tracks_started_total", labels, 1),
        ("objects_present", labels, 2),
        ("zone_objects", zone, 1),
        ("zone_entries_total", zone, 1),
        ("zone_dwell_seconds_sum", zone, 7),
        ("line_crossings_total", labels | {"line": "door", "direction": "in"}, 1),
    ]
    for name, of, value in expected:
        assert registry.get_sample_value(f"vedette_{name}", of) == value, name
    gate.counted(Counts({}, {"driveway": {}}, {}))
    assert registry.get_sample_value("vedette_objects_present", labels) == 0
    assert registry.get_sample_value("vedette_zone_objects", zone) == 0
    gate.close()
    happens("object", "new")
    gate.counted(Counts({"person": 2}, {}, {}))
    assert b'label="person"' not in generate_latest(registry)
