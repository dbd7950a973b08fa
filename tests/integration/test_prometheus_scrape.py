"""A real Prometheus scrapes a real daemon: every query of dashboards and alerts has its data."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon_process import (
    ROOT,
    DaemonProcess,
    Subscriber,
    free_port,
    running_daemon,
)
from tests.support.dashboards import FILES, FOLDER, dashboard, queries
from tests.support.prometheus_server import PrometheusServer, prometheus_server

pytestmark = pytest.mark.integration

SCRAPES = 8  # one a second; rates are taken over five
# People walk through a strip of the street, and some of them stay in it for a moment.
STREET = {
    "url": f"file:{ROOT}/config/demo/street.mp4",
    "file": {"loop": True, "realtime": True},
    "detect": {"fps": 5},
    "record": {"snapshots": True},
    "zones": {
        "strip": {
            "area": [[0.35, 0], [0.65, 0], [0.65, 1], [0.35, 1]],
            "enter_after_s": 0.1,
            "leave_after_s": 0.2,
        }
    },
    "lines": {"kerb": {"from": [0.6, 0], "to": [0.6, 1], "left": "in", "right": "out"}},
}
SCENE = "synthetic://scene?size=320x240&fps=30"
FLEET = FOLDER / "vedette-fleet.json"


@dataclass(frozen=True)
class Rig:
    daemon: DaemonProcess
    prometheus: PrometheusServer
    window: str = "5s"

    def ask(self, expr: str, camera: str = "alive") -> list[dict[str, Any]]:
        """A query of a dashboard as Grafana sends it."""
        for variable, now in {
            "$__rate_interval": self.window,
            "$__range": self.window,
            "$instance": self.daemon.http,
            "$camera": camera,
        }.items():
            expr = expr.replace(variable, now)
        return self.prometheus.query(expr)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Two cameras that work, a dead and a disabled one, both sinks and a subscriber, scraped; the
    first one records, and has a zone and a line."""
    folder = tmp_path_factory.mktemp("prometheus")
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    config = {
        "batching": {"max_batch": 1},
        "cameras": {
            "alive": STREET,
            "second": {"url": f"{SCENE}&seed=2", "detect": {"fps": 5}},
            "dead": {"url": f"rtsp://127.0.0.1:{free_port()}/nothing"},
            "off": {"url": SCENE, "enabled": False},
        },
        "recordings": {"folder": str(folder)},
        "sinks": {"zeromq": {"bind": endpoint}, "jsonl": {"path": str(folder / "out.jsonl")}},
    }
    with running_daemon(folder, config) as daemon:
        daemon.wait_for(": ready")
        with Subscriber(endpoint), prometheus_server(folder, daemon.http) as prometheus:
            scrapes = (
                'count_over_time(vedette_end_to_end_latency_seconds_count{camera="alive"}[1m])'
            )
            left = "min(increase(vedette_zone_dwell_seconds_count[1m]))"
            deadline_s = time.monotonic() + 40
            while (prometheus.value(scrapes) or 0) < SCRAPES or not prometheus.value(left):
                assert time.monotonic() < deadline_s, daemon.log
                time.sleep(0.1)
            yield Rig(daemon, prometheus)
        code, _ = daemon.stop()
    assert code == 0
    assert "balanced=True" in next(line for line in daemon.lines if "stopped captured=" in line)


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.stem != "vedette-servers"],  # see test_fleet_scrape
    ids=lambda path: path.stem,
)
def test_every_query_of_a_dashboard_has_a_value(rig: Rig, path: Path) -> None:
    if path.stem == "vedette-traffic":  # people come and go more slowly than frames
        rig = replace(rig, window="1m")
    empty = [
        name
        for name, expr in queries(dashboard(path)).items()
        if not any(math.isfinite(float(row["value"][1])) for row in rig.ask(expr))
        and ": Rows per frame B" not in name  # no camera here has tiles
    ]
    assert not empty


@pytest.mark.parametrize("camera", ["dead", "off"])
def test_the_page_of_a_camera_without_pictures_breaks_no_query(rig: Rig, camera: str) -> None:
    page = queries(dashboard(FOLDER / "vedette-camera.json"))
    answers = {name: rig.ask(expr, camera) for name, expr in page.items()}
    assert any(answers.values())


def test_every_alert_is_evaluated_and_only_the_dead_camera_counts_as_down(rig: Rig) -> None:
    rules = {rule["name"]: rule for rule in rig.prometheus.rules()}
    assert {rule["health"] for rule in rules.values()} == {"ok"}
    alerts = [alert for rule in rules.values() for alert in rule["alerts"]]
    assert not [alert for alert in alerts if alert["state"] == "firing"], "all of it is too young"
    (down,) = rules["CameraDown"]["alerts"]
    assert down["labels"]["camera"] == "dead"
    assert down["annotations"]["summary"] == "camera dead is down"


def fleet_values(rig: Rig, title: str, label: str = "camera") -> dict[str, float]:
    """What the first query of a panel of the fleet's dashboard gives, by `label`."""
    board = queries(dashboard(FLEET))
    expr = next(expr for name, expr in board.items() if f": {title} A" in name)
    return {row["metric"].get(label, ""): float(row["value"][1]) for row in rig.ask(expr)}


def test_the_fleet_counts_its_cameras(rig: Rig) -> None:
    assert fleet_values(rig, "Cameras up") == {"": 2}
    assert fleet_values(rig, "Cameras not up") == {"": 1}, "a disabled camera is no fault"


def test_no_frame_is_without_a_fate(rig: Rig) -> None:
    assert fleet_values(rig, "Frames without a fate") == {"": 0}
    law = (
        "vedette_capture_frames_total - vedette_frames_processed_total - vedette_frames_in_flight"
        " - sum without (reason) (vedette_frames_dropped_total)"
    )
    books = rig.prometheus.query(f"sum_over_time(abs({law})[10s:1s])")
    assert {row["metric"]["camera"] for row in books} == {"alive", "second", "dead", "off"}
    assert {row["value"][1] for row in books} == {"0"}


def test_frames_beyond_detect_fps_are_no_losses(rig: Rig) -> None:
    beyond = fleet_values(rig, "Beyond detect.fps (no loss)", "instance")
    assert sum(beyond.values()) > 20, "at 30 and at 10 fps, both capped at 5"
    losses = fleet_values(rig, "Losses", "reason")
    assert losses
    assert "fps_cap" not in losses
    assert sum(losses.values()) < sum(beyond.values())


def test_a_live_camera_reaches_its_target(rig: Rig) -> None:
    shares = fleet_values(rig, "Answered of target")
    assert shares.keys() == {"alive", "second", "dead"}
    assert shares["dead"] == 0
    assert min(shares["alive"], shares["second"]) > 0.5, "on a machine that is busy with tests"
