"""A running daemon becomes what its file says: whole, or not at all."""

from __future__ import annotations

import itertools
import json
import re
import signal
import socket
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sinks.messages import DetectionMessage
from tests.support.daemon_process import DaemonProcess, Subscriber, free_port, running_daemon
from tests.support.waiting import until

pytestmark = pytest.mark.integration

SMALL = {"model": {"input_size": 128}, "batching": {"max_batch": 4, "max_age_ms": 5000}}
FPS = 10


def scene(seed: int, **fields: Any) -> dict[str, Any]:
    url = f"synthetic://scene?size=320x240&fps={FPS}&seed={seed}"
    return {"url": url, "detect": {"fps": FPS}} | fields


def scenes(count: int) -> dict[str, dict[str, Any]]:
    return {f"c{number}": scene(number) for number in range(count)}


def answers(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The detections of a JSON lines file by camera."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in map(json.loads, path.read_text().splitlines()):
        if line["kind"] == "detection":
            found.setdefault(line["camera"], []).append(line)
    return found


def nothing_is_missing(answered: list[dict[str, Any]]) -> None:
    assert [line["seq"] for line in answered] == list(range(1, len(answered) + 1))
    assert len({line["epoch"] for line in answered}) == 1


def was_never_opened_anew(answered: list[dict[str, Any]]) -> None:
    """The stream's own clock, which starts at 0 with every connection, never went back."""
    times_s = [line["pts_s"] for line in answered]
    assert times_s == sorted(set(times_s))


def nothing_was_dropped_by_a_reload(daemon: DaemonProcess, name: str) -> None:
    """A busy machine may be late: then the newer of two frames wins."""
    dropped = daemon.get_json(f"/api/v1/cameras/{name}")["frames"]["dropped"]
    assert not {reason for reason, count in dropped.items() if count} - {"overwritten"}, dropped


def status_of(daemon: DaemonProcess) -> dict[str, Any]:
    return dict(daemon.get_json("/api/v1/status")["config"])


def reloads_counted(daemon: DaemonProcess) -> dict[str, int]:
    text = daemon.get("/metrics")[1].decode()
    rows = re.findall(r'vedette_config_reloads_total\{result="(\w+)"\} (\d+)', text)
    return {result: int(count) for result, count in rows if int(count)}


def gauge(daemon: DaemonProcess, name: str) -> float:
    text = daemon.get("/metrics")[1].decode()
    return float(re.findall(rf"^vedette_{name} (.+)$", text, re.MULTILINE)[0])


def books_are_balanced(daemon: DaemonProcess) -> None:
    line = next(line for line in daemon.lines if "stopped captured=" in line)
    assert "in_flight=0 balanced=True" in line, line
    assert "Traceback" not in daemon.log, daemon.log


def test_cameras_and_sinks_change_around_eight_cameras_that_lose_nothing(tmp_path: Path) -> None:
    jsonl = tmp_path / "detections.jsonl"
    cameras = scenes(8)

    def sinks(port: int) -> dict[str, Any]:
        return {
            "zeromq": {"bind": f"tcp://127.0.0.1:{port}"},
            "jsonl": {"path": str(jsonl)},
        }

    first_port, second_port = free_port(), free_port()
    config = SMALL | {"cameras": cameras, "sinks": sinks(first_port)}
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for("listening")
        daemon.process.send_signal(signal.SIGHUP)  # while the model is loaded
        daemon.wait_for("reloader: reload unchanged")
        began = status_of(daemon)
        daemon.camera_is("c7", "streaming")
        time.sleep(1.0)
        threads = daemon.threads()

        # A camera more.
        assert daemon.reload(cameras=cameras | {"new": scene(99)}).startswith("applied added=new")
        daemon.camera_is("new", "streaming")
        assert threads < daemon.threads(), "every thread is still there"
        assert gauge(daemon, "config_last_reload_successful") == 1
        applied = status_of(daemon)
        assert applied["hash"] != began["hash"]
        assert applied["loaded_ns"] > began["loaded_ns"]
        assert applied["last_reload"]["result"] == "applied"

        # One of them filtered, one at another rate, the first one gone.
        del cameras["c0"]
        cameras["c1"] = scene(1, objects={"labels": ["car"]}, priority=3)
        cameras["c2"] = scene(2, detect={"fps": 5})
        told = daemon.reload(cameras=cameras)
        assert told.startswith("applied removed=c0,new restarted=c2 retuned=c1 took_ms=")
        # Those of c0 and c2 have ended; the system counts one for a moment longer than Python does.
        until(lambda: len(threads - daemon.threads()) == 2)
        assert daemon.get("/api/v1/cameras/c0")[0] == 404
        assert 'camera="c0"' not in daemon.get("/metrics")[1].decode()

        # A sink on another port: the old one is gone, nobody else noticed.
        assert daemon.reload(sinks=sinks(second_port)).startswith("applied sinks=zeromq")
        with Subscriber(f"tcp://127.0.0.1:{second_port}") as subscriber:
            assert isinstance(subscriber.next(5), DetectionMessage)
        with Subscriber(f"tcp://127.0.0.1:{second_port}", b"status.") as subscriber:
            assert subscriber.next(5).kind == "status"
        with socket.create_server(("127.0.0.1", first_port)):
            assert daemon.reload(sinks=sinks(first_port)) == "rolled back"
        assert f"sinks: tcp://127.0.0.1:{first_port}: in use by another program" in daemon.log
        with Subscriber(f"tcp://127.0.0.1:{second_port}") as subscriber:
            assert isinstance(subscriber.next(5), DetectionMessage)

        # Files that cannot be used change nothing and say why.
        held = status_of(daemon)
        assert daemon.reload(sinks=sinks(second_port), modle={}) == "refused"
        refused = status_of(daemon)
        assert refused["last_reload"]["result"] == "refused"
        (fault,) = refused["last_reload"]["faults"]
        assert re.search(r"vedette\.yaml:\d+:\d+: modle: .*did you mean .?model", fault)
        assert fault in daemon.log
        assert gauge(daemon, "config_last_reload_successful") == 0
        assert gauge(daemon, "config_last_reload_success_timestamp_seconds") < time.time() - 0.01
        daemon._sections.pop("modle")
        labels = cameras | {"c3": scene(3, objects={"labels": ["persn"]})}
        assert daemon.reload(cameras=labels) == "refused"
        assert "cameras.c3.objects.labels[0]: the model has no label persn" in daemon.log
        assert status_of(daemon)["hash"] == held["hash"]
        assert daemon.reload(cameras=cameras) == "unchanged"
        assert reloads_counted(daemon) == {
            "applied": 3, "unchanged": 2, "refused": 2, "rolled_back": 1
        }  # fmt: skip
        untouched = ["c1", *(f"c{number}" for number in range(3, 8))]
        for name in untouched:
            nothing_was_dropped_by_a_reload(daemon, name)
        code, seconds = daemon.stop()
    assert code == 0
    assert seconds <= 3.0
    books_are_balanced(daemon)
    answered = answers(jsonl)
    for name in untouched:
        nothing_is_missing(answered[name])
        was_never_opened_anew(answered[name])
    for name in ("c0", "c2", "new"):
        nothing_is_missing(answered[name])


def test_another_model_takes_over_between_two_batches(tmp_path: Path) -> None:
    jsonl = tmp_path / "detections.jsonl"
    zeromq = free_port()
    config = SMALL | {
        "cameras": scenes(4),
        "sinks": {
            "zeromq": {"bind": f"tcp://127.0.0.1:{zeromq}"},
            "jsonl": {"path": str(jsonl)},
        },
    }
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for(": ready")
        daemon.camera_is("c3", "streaming")
        time.sleep(1.0)
        threads = daemon.threads()
        daemon.write(model={"input_size": 160, "score_threshold": 0.3})
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: daemon.threads() > threads)  # it loads
        for _ in range(3):  # remembered once
            daemon.process.send_signal(signal.SIGHUP)
        until(lambda: len(daemon.reloads()) == 2, 60)
        swapped = daemon.wait_for("reload applied")
        time.sleep(1.0)
        assert [told.split()[0] for told in daemon.reloads()] == ["applied", "unchanged"]
        assert "detector=changed" in swapped
        assert threads <= daemon.threads(), "no camera and no part of the pipeline was restarted"
        status = daemon.get_json("/api/v1/status")
        assert status["frames"]["balanced"]
        assert status["frames"]["dropped"]["infer_error"] == 0
        assert status["frames"]["dropped"]["preprocess_error"] == 0
        assert "vedette_inference_retraces_total 0" in daemon.get("/metrics")[1].decode()
        code, _ = daemon.stop()
    assert code == 0
    assert "input=160x160" in daemon.log
    books_are_balanced(daemon)
    for answered in answers(jsonl).values():
        nothing_is_missing(answered)
        assert {line["status"] for line in answered} == {"ok"}
    assert_no_pause(answers(jsonl), at_s=wall_s(swapped))


def assert_no_pause(answered: dict[str, list[dict[str, Any]]], at_s: float) -> None:
    """Around the swap, batches follow each other as their frames do."""
    lines = sorted((line for lines in answered.values() for line in lines), key=answered_s)
    near = [line for line in lines if abs(answered_s(line) - at_s) < 0.5]
    batch_s = max(line["latency_ms"]["infer"] for line in near) / 1e3
    gaps = [answered_s(b) - answered_s(a) for a, b in itertools.pairwise(near)]
    assert max(gaps) <= 2 * batch_s + 1 / FPS


def answered_s(line: dict[str, Any]) -> float:
    latency = line["latency_ms"]
    return float(line["captured_ns"] / 1e9 + (latency["queue"] + latency["infer"]) / 1e3)


def wall_s(log_line: str) -> float:
    return datetime.fromisoformat(log_line.split()[0].replace("Z", "+00:00")).timestamp()
