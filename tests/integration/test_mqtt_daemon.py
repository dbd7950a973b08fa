"""The whole daemon and a real broker, as Home Assistant sees them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon_process import DaemonProcess, running_daemon
from tests.support.home_assistant import HomeAssistant
from tests.support.mosquitto import Mosquitto, Watching, kept, mosquitto
from tests.support.waiting import until

pytestmark = pytest.mark.integration

PROGRAM = ("tests.support.staged_daemon",)
WHOLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
STATES_S = 2.0


def camera(**fields: Any) -> dict[str, Any]:
    """A scene in which something white always is."""
    return {
        "url": "synthetic://scene?size=320x240&fps=10&objects=1",
        "objects": {"labels": ["block"]},
        "zones": {"everywhere": {"area": WHOLE}},
        "lines": {"middle": {"from": [0.5, 0.0], "to": [0.5, 1.0], "left": "in", "right": "out"}},
        **fields,
    }


def configuration(port: int, cameras: dict[str, Any], **mqtt: Any) -> dict[str, Any]:
    return {
        "node": "lodge",
        "cameras": cameras,
        "sinks": {"zeromq": None, "mqtt": {"host": "127.0.0.1", "port": port, **mqtt}},
    }


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


def daemon(tmp_path: Path, broker: Mosquitto, cameras: dict[str, Any], **mqtt: Any) -> Any:
    return running_daemon(tmp_path, configuration(broker.port, cameras, **mqtt), program=PROGRAM)


def test_every_entity_has_a_state_two_seconds_after_the_start(tmp_path, broker) -> None:
    with HomeAssistant(broker.port) as home, daemon(tmp_path, broker, {"gate": camera()}) as run:
        run.wait_for("listening")
        started_s = time.monotonic()
        until(lambda: len(home.entities) == 9)
        image = home.named("snapshot")  # has none before something was seen
        others = [entity for entity in home.entities.values() if entity is not image]
        until(lambda: all(entity.state for entity in others))
        assert time.monotonic() - started_s <= STATES_S
        assert home.faults == []
        assert max(entity.state_after_s for entity in others) <= STATES_S
        until(lambda: image.state, 15)
        assert image.state.startswith(b"\xff\xd8")
        until(lambda: home.named("connectivity").state == "ON", 15)
        until(lambda: all(entity.is_available for entity in home.entities.values()))
        until(lambda: home.named("count_2fblock_2fthere").state == "ON", 15)
        assert home.named("tampering").state == "OFF"
        code, _ = run.stop()
        assert code == 0
        until(lambda: not any(entity.is_available for entity in home.entities.values()))


def test_cameras_come_and_go_with_reloads_and_restarts(tmp_path, broker) -> None:
    cameras = {"gate": camera(), "yard": camera(lines={})}
    with HomeAssistant(broker.port) as home:
        with daemon(tmp_path, broker, cameras) as run:
            run.wait_for(": ready")
            until(lambda: len(home.devices) == 2)
            assert "applied" in run.reload(cameras={"gate": camera(), "shed": camera(zones={})})
            until(lambda: {topic.split("/")[3] for topic in home.devices} == {"gate", "shed"})
            until(lambda: home.named("shed", "connectivity").state == "ON", 15)
            assert not any("yard" in topic for topic in kept(broker.port))
            run.process.kill()
            run.process.wait(10)
        with daemon(tmp_path, broker, {"gate": camera(zones={})}) as run:
            run.wait_for("listening")
            until(lambda: len(home.devices) == 1)
            until(lambda: not any("zone" in name for name in home.entities))
            until(lambda: not any("shed" in topic for topic in kept(broker.port)))
        assert home.faults == []


def test_the_switch_pauses_a_camera_and_outlasts_a_reload(tmp_path, broker) -> None:
    with (
        HomeAssistant(broker.port) as home,
        daemon(tmp_path, broker, {"gate": camera()}, commands=True) as run,
    ):
        run.wait_for(": ready")
        run.camera_is("gate", "streaming")
        switch = home.named("__detect")
        until(lambda: switch.state == "ON")
        home.watching.publish(switch.config["command_topic"], b"OFF")
        until(lambda: switch.state == "OFF", 15)
        assert run.camera_is("gate", "disabled")["reason"] == "paused"
        until(lambda: home.named("connectivity").state == "OFF")
        assert "applied" in run.reload(cameras={"gate": camera(lines={})})
        assert run.camera_is("gate", "disabled")["reason"] == "paused"
        home.watching.publish(switch.config["command_topic"], b"ON")
        run.camera_is("gate", "streaming")
        until(lambda: switch.state == "ON", 15)
        stops_in_time(run)


def test_the_api_metrics_and_log_say_how_it_stands(tmp_path, broker) -> None:
    with daemon(tmp_path, broker, {"gate": camera()}) as run:
        run.wait_for("broker connected")
        status = run.get_json("/api/v1/status")
        (sink,) = status["sinks"]
        assert sink["link"]["state"] == "connected"
        assert sink["link"]["place"] == f"127.0.0.1:{broker.port}"
        assert sink["told"]["retained"] in (6, 7)  # with a picture, once there is one
        page = run.get("/metrics")[1].decode()
        assert 'vedette_sink_connected{sink="mqtt"} 1.0' in page
        broker.stop()
        run.wait_for("broker away")
        assert 'vedette_sink_connected{sink="mqtt"} 0.0' in run.get("/metrics")[1].decode()
        assert run.get_json("/api/v1/status")["sinks"][0]["link"]["reason"]
        assert run.get("/readyz")[0] in (200, 503)  # a broker that is away makes nothing unready
        stops_in_time(run)


def stops_in_time(run: DaemonProcess) -> None:
    code, seconds = run.stop()
    assert code == 0, run.log
    assert seconds <= 3.0
    assert "balanced=True" in run.log


def test_a_daemon_whose_broker_never_was_there_starts_detects_and_stops(tmp_path) -> None:
    broker = Mosquitto(tmp_path)
    with daemon(tmp_path, broker, {"gate": camera()}) as run:
        run.wait_for("broker away")
        run.wait_for(": ready")
        run.camera_is("gate", "streaming")
        stops_in_time(run)


def test_events_tell_of_objects_in_order(tmp_path, broker) -> None:
    with Watching(broker.port, ["vedette/lodge/gate/event"]) as watching:
        with daemon(tmp_path, broker, {"gate": camera()}) as run:
            until(lambda: len(watching.seen) >= 2, 30)
            stops_in_time(run)
        until(lambda: json.loads(watching.seen[-1].payload)["phase"] == "end")
    events = [json.loads(seen.payload) for seen in watching.seen]
    assert [event["event_seq"] for event in events] == sorted(e["event_seq"] for e in events)
    assert events[0]["phase"] == "new"
    assert not any(seen.retained for seen in watching.seen)
