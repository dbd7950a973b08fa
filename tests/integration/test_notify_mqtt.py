"""`vedette notify test` through a real broker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.cli import main
from tests.support.daemon_process import free_port
from tests.support.mosquitto import Watching, mosquitto
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def file(folder: Path, port: int) -> str:
    path = folder / "vedette.yaml"
    sinks = {"mqtt": {"host": "127.0.0.1", "port": port}}
    cameras = {"gate": {"url": "rtsp://10.0.0.5/"}}
    path.write_text(json.dumps({"version": 1, "node": "lodge", "cameras": cameras, "sinks": sinks}))
    return str(path)


def test_a_broker_gets_an_event_that_says_that_it_is_a_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = "vedette/lodge/gate/event"
    with mosquitto(tmp_path) as broker, Watching(broker.port) as watching:
        assert main(["notify", "test", file(tmp_path, broker.port)]) == 0
        until(lambda: watching.of(topic))
        (payload,) = watching.of(topic)
        assert watching.seen[0].retained is False
    event = json.loads(payload)
    assert (event["test"], event["camera"], event["phase"]) == (True, "gate", "new")
    said = capsys.readouterr().out
    assert f"mqtt: 127.0.0.1:{broker.port} took the test, to {topic}" in said


def test_a_broker_that_is_away_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notify", "test", file(tmp_path, free_port()), "--sink", "mqtt"]) == 1
    assert capsys.readouterr().err.rstrip().endswith(": not sent")
