"""The whole daemon as a process: real streams in, real messages out, real signals."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sinks.messages import DetectionMessage, HeartbeatMessage, StatusMessage
from tests.support.daemon_process import DaemonProcess, Subscriber, free_port, running_daemon
from tests.support.fault_proxy import silent_server
from tests.support.rtsp_server import STREET, rtsp_server

pytestmark = pytest.mark.integration

SMALL = {"model": {"input_size": 128}, "batching": {"max_batch": 1}}
STOP_S = 3.0


def books_are_balanced(daemon: DaemonProcess) -> None:
    line = next(line for line in daemon.lines if "stopped captured=" in line)
    assert "balanced=True" in line, line
    assert "in_flight=0" in line, line


def nothing_went_wrong(daemon: DaemonProcess) -> None:
    assert "Traceback" not in daemon.log, daemon.log
    assert "ERROR" not in daemon.log, daemon.log


# Drawn by hand around three people of frame 100 of the demo clip.
PEOPLE = ((591.0, 154.0, 618.0, 234.0), (349.0, 200.0, 382.0, 276.0), (223.0, 61.0, 237.0, 95.0))


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two boxes x1, y1, x2, y2."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def people(daemon: DaemonProcess, within_s: float) -> list[DetectionMessage]:
    """Listen until three messages have told of people."""
    told: list[DetectionMessage] = []
    deadline_s = time.monotonic() + within_s
    with Subscriber(daemon.zeromq) as subscriber:
        while len(told) < 3 and time.monotonic() < deadline_s:
            message = subscriber.next()
            assert isinstance(message, DetectionMessage)
            if any(found.label == "person" for found in message.detections):
                told.append(message)
    return told


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_people_of_an_rtsp_camera_are_published(tmp_path: Path, transport: str) -> None:
    with rtsp_server() as server:
        camera = {"url": server.url, "transport": transport, "detect": {"fps": 10}}
        config = {
            "model": {"input_size": 448},
            "batching": {"max_batch": 1},
            "cameras": {"street": camera},
        }
        with running_daemon(tmp_path, config) as daemon:
            daemon.wait_for(": ready")
            ready_s = time.monotonic()
            with Subscriber(daemon.zeromq) as subscriber:
                first = subscriber.next(5)
                assert time.monotonic() - ready_s <= 2.0
            assert isinstance(first, DetectionMessage)
            assert (first.camera, first.status, first.size) == ("street", "ok", (768, 576))
            told = people(daemon, within_s=20)
            assert len(told) == 3
            for message in told:
                for found in message.detections:
                    x1, y1, x2, y2 = found.box
                    assert 0 <= x1 < x2 <= 768
                    assert 0 <= y1 < y2 <= 576
            camera_now = daemon.get_json("/api/v1/cameras/street")
            assert camera_now["stream"]["transport"] == transport
            code, _ = daemon.stop()
    assert code == 0
    nothing_went_wrong(daemon)
    books_are_balanced(daemon)


def test_a_file_read_without_pacing_loses_nothing_and_boxes_lie_on_people(tmp_path: Path) -> None:
    config = {
        "model": {"input_size": 448},
        "cameras": {
            "street": {
                "url": f"file://{STREET}",
                "file": {"realtime": False, "loop": False},
                "detect": {"fps": 120},
            }
        },
    }
    with running_daemon(tmp_path, config) as daemon, Subscriber(daemon.zeromq) as subscriber:
        messages = [subscriber.next(60)]
        while messages[-1].seq < 300:
            messages.append(subscriber.next())
        camera = daemon.camera_is("street", "finished")
        assert camera["reason"] == "eof"
        code, _ = daemon.stop()
    assert code == 0
    assert [m.seq for m in messages] == list(range(messages[0].seq, 301))
    assert len({m.epoch for m in messages}) == 1
    by_time = {round(m.pts_s * 10): m for m in messages}
    seen = [found.box for found in by_time[100].detections if found.label == "person"]
    for box in PEOPLE:
        assert max(overlap(box, other) for other in seen) > 0.5
    nothing_went_wrong(daemon)
    books_are_balanced(daemon)


def test_one_dead_camera_does_not_stop_the_others(tmp_path: Path) -> None:
    config = SMALL | {
        "cameras": {
            "alive": {"url": "synthetic://scene?size=320x240&fps=10", "detect": {"fps": 10}},
            "dead": {"url": f"rtsp://127.0.0.1:{free_port()}/nothing"},
        }
    }
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for(": ready")
        daemon.camera_is("alive", "streaming")
        dead = daemon.camera_is("dead", "backoff")
        assert dead["reason"] == "refused"
        assert daemon.get("/readyz")[0] == 200
        assert daemon.get("/healthz")[0] == 200
        with Subscriber(daemon.zeromq) as subscriber:
            assert [subscriber.next().camera for _ in range(5)] == ["alive"] * 5
        code, _ = daemon.stop()
    assert code == 0
    books_are_balanced(daemon)


def test_no_camera_at_all_is_still_a_running_daemon(tmp_path: Path) -> None:
    config = SMALL | {"cameras": {"dead": {"url": f"rtsp://127.0.0.1:{free_port()}/nothing"}}}
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for(": ready")
        daemon.camera_is("dead", "backoff")
        with Subscriber(daemon.zeromq, b"hb.") as subscriber:
            beats = [subscriber.next() for _ in range(3)]
        assert all(isinstance(beat, HeartbeatMessage) for beat in beats)
        assert daemon.get("/healthz")[0] == 200
        code, _ = daemon.stop()
    assert code == 0


def test_a_late_subscriber_learns_the_state_of_every_camera(tmp_path: Path) -> None:
    config = SMALL | {"cameras": {"a": {"url": "synthetic://scene?size=320x240&fps=5"}}}
    with running_daemon(tmp_path, config) as daemon:
        daemon.camera_is("a", "streaming", timeout_s=60)
        with Subscriber(daemon.zeromq, b"status.") as subscriber:
            status = subscriber.next(2)
        assert isinstance(status, StatusMessage)
        assert (status.camera, status.state) == ("a", "streaming")
        assert status.stream is not None
        assert (status.stream.width, status.stream.height) == (320, 240)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_within_three_seconds(tmp_path: Path, number: int) -> None:
    jsonl = tmp_path / "detections.jsonl"
    cameras = {
        f"c{n}": {"url": f"synthetic://scene?size=320x240&fps=30&seed={n}", "detect": {"fps": 30}}
        for n in range(4)
    }
    config = SMALL | {"cameras": cameras, "sinks": {"zeromq": None, "jsonl": {"path": str(jsonl)}}}
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for(": ready")
        daemon.camera_is("c3", "streaming")
        time.sleep(1)
        code, seconds = daemon.stop(number)
    assert code == 0
    assert seconds <= STOP_S
    nothing_went_wrong(daemon)
    books_are_balanced(daemon)
    lines = [json.loads(line) for line in jsonl.read_text().splitlines()]
    published = sum(line["kind"] == "detection" for line in lines)
    stopped = next(line for line in daemon.lines if "stopped captured=" in line)
    assert f"inferred={published} " in stopped, "every answer was written before the end"


def test_a_signal_while_the_model_loads_ends_the_daemon(tmp_path: Path) -> None:
    config = {"cameras": {"a": {"url": "synthetic://scene"}}}
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for("listening")
        assert daemon.get("/readyz")[0] == 503
        code, seconds = daemon.stop()
    assert code == 0
    assert seconds <= STOP_S


@contextmanager
def blocked(tmp_path: Path) -> Iterator[DaemonProcess]:
    """A daemon whose only camera waits for an answer that never comes."""
    with silent_server() as port:
        url = f"rtsp://127.0.0.1:{port}/silent"
        config = SMALL | {"cameras": {"silent": {"url": url, "open_timeout_s": 60}}}
        with running_daemon(tmp_path, config) as daemon:
            daemon.wait_for(": ready")
            time.sleep(0.3)
            yield daemon


def test_a_blocked_camera_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with blocked(tmp_path) as daemon:
        code, seconds = daemon.stop()
    assert code == 0
    assert seconds <= STOP_S
    assert "camera is still blocked camera=silent" in daemon.log
    books_are_balanced(daemon)


def test_a_second_signal_ends_the_daemon_at_once(tmp_path: Path) -> None:
    with blocked(tmp_path) as daemon:
        daemon.process.send_signal(signal.SIGINT)
        daemon.wait_for("stopping signal=SIGINT")
        code, seconds = daemon.stop(signal.SIGINT)
    assert seconds < 0.7
    assert code == -signal.SIGINT


def exit_of(tmp_path: Path, config: dict[str, Any]) -> tuple[int, str]:
    with running_daemon(tmp_path, config) as daemon:
        code = daemon.process.wait(60)
        daemon._reader.join(5)
        return code, daemon.log


def test_a_bad_configuration_ends_with_78_and_its_place(tmp_path: Path) -> None:
    code, log = exit_of(tmp_path, {"cameras": {"a": {"url": "synthetic://x", "fps": 5}}})
    assert code == 78
    assert log.count("\n") == 0
    assert "vedette.yaml:1:" in log
    assert "cameras.a.fps" in log


def test_a_label_that_the_model_lacks_ends_with_78_and_its_place(tmp_path: Path) -> None:
    camera = {"url": "synthetic://x", "objects": {"labels": ["persn"]}}
    code, log = exit_of(tmp_path, SMALL | {"cameras": {"a": camera}})
    assert code == 78
    assert "cameras.a.objects.labels[0]: the model has no label persn (did you mean person?)" in log


def test_a_token_that_cannot_be_read_ends_with_78_and_its_line(tmp_path: Path) -> None:
    config = {
        "http": {"token": f"file:{tmp_path}/token"},
        "cameras": {"a": {"url": "synthetic://x"}},
    }
    code, log = exit_of(tmp_path, config)
    assert code == 78
    assert "vedette.yaml:1:" in log
    assert f"http.token: credential file {tmp_path}/token cannot be read" in log
    assert "Traceback" not in log


def test_a_missing_model_ends_with_69_and_one_line(tmp_path: Path) -> None:
    config = {
        "model": {"weights": "none.safetensors"},
        "cameras": {"a": {"url": "synthetic://x"}},
    }
    code, log = exit_of(tmp_path, config)
    assert code == 69
    assert "none.safetensors" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("what", ["http", "zeromq"])
def test_a_port_in_use_ends_with_1_and_says_whose(tmp_path: Path, what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config: dict[str, Any] = {"cameras": {"a": {"url": "synthetic://x"}}}
        if what == "http":
            config["http"] = {"listen": f"127.0.0.1:{port}"}
        else:
            config["sinks"] = {"zeromq": {"bind": f"tcp://127.0.0.1:{port}"}}
        code, log = exit_of(tmp_path, config)
    assert code == 1
    assert re.search(rf"127.0.0.1:{port}:? (is )?in use by another program", log)
    assert "Traceback" not in log


def test_the_books_at_metrics_add_up(tmp_path: Path) -> None:
    camera = {"url": "synthetic://scene?size=320x240&fps=30", "detect": {"fps": 7}}
    with running_daemon(tmp_path, SMALL | {"cameras": {"a": camera}}) as daemon:
        daemon.wait_for(": ready")
        daemon.camera_is("a", "streaming")
        time.sleep(1)
        text = daemon.get("/metrics")[1].decode()
    series = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    captured = float(series['vedette_capture_frames_total{camera="a"}'])
    processed = float(series['vedette_frames_processed_total{camera="a"}'])
    in_flight = float(series['vedette_frames_in_flight{camera="a"}'])
    dropped = {k: float(v) for k, v in series.items() if k.startswith("vedette_frames_dropped")}
    assert captured == processed + in_flight + sum(dropped.values())
    assert dropped['vedette_frames_dropped_total{camera="a",reason="fps_cap"}'] > 0
    assert processed > 0


def test_json_logs_are_one_object_per_line(tmp_path: Path) -> None:
    config = SMALL | {
        "cameras": {"a": {"url": "synthetic://scene?size=320x240&fps=5"}},
        "log": {"format": "json"},
    }
    with running_daemon(tmp_path, config, "--summary", "1") as daemon:
        daemon.wait_for("cameras=1/1")
        daemon.stop()
    records = [json.loads(line) for line in daemon.lines]
    assert {"time", "level", "logger", "thread", "message"} <= records[0].keys()
    assert any(record["message"] == "ready" for record in records)
