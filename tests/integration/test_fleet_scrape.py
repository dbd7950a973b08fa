"""A real Prometheus that finds a fleet's servers and gateways by itself: every query of the fleet's
dashboard has its data, and the alerts that should fire do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from daemon.fleet.view import CameraView, FleetView, GatewayView, NodeState, Placement
from sinks.envelope import Envelope
from tests.integration.test_fleet_site import Fleet, running_fleet
from tests.support.dashboards import FOLDER, dashboard, queries
from tests.support.fleet_view import camera, fleet, node
from tests.support.gateway_process import publishing_to, running_gateway
from tests.support.messages import detection
from tests.support.prometheus_server import PrometheusServer, prometheus_server
from tests.support.site import running_site
from tests.support.waiting import until

pytestmark = pytest.mark.integration

PARKED = CameraView("roof", Placement.PARKED, 1, None, None, 0, 0.0, 5.0, None, "no room")


def seen(node_http: str, gateway_http: str) -> FleetView:
    return fleet(
        node("alder", node_http),
        node("birch", "127.0.0.1:1", state=NodeState.LOST),
        cameras=(camera("gate"), PARKED),
        gateways=(GatewayView("one", gateway_http, up=True),),
    )


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, PrometheusServer]]:
    folder = tmp_path_factory.mktemp("fleet")
    with (
        running_site("gate") as site,
        running_gateway(folder / "gateway") as gateway,
        publishing_to(gateway.publishers) as (worker, _),
        running_fleet(seen(f"127.0.0.1:{site.port}", gateway.http)) as found,
        prometheus_server(
            folder, f"127.0.0.1:{found.port}", discovery=f"{found.url}/api/v1/targets"
        ) as prometheus,
    ):
        for seq, grant in ((1, 5), (2, 4), (3, 5)):
            message = msgspec.structs.replace(detection(seq=seq).message, grant=grant)
            worker.put(Envelope(message))
        until(lambda: (prometheus.value("count(up)") or 0) == 4, 30)
        for rate in (
            "rate(vedette_gateway_messages_total[5s])",
            "rate(vedette_fleet_movements_total[5s])",
        ):
            until(lambda rate=rate: prometheus.query(rate), 30)  # rates want some scrapes
        yield found, prometheus


def test_servers_and_gateways_are_found_by_themselves(
    rig: tuple[Fleet, PrometheusServer],
) -> None:
    _, prometheus = rig
    up = {
        (row["metric"].get("role"), row["metric"].get("node")): row["value"][1]
        for row in prometheus.query("up")
    }
    assert up == {
        (None, None): "1",  # the fleet's address
        ("node", "alder"): "1",
        ("node", "birch"): "0",
        ("gateway", "one"): "1",
    }


def test_every_query_of_the_fleets_dashboard_has_a_value(
    rig: tuple[Fleet, PrometheusServer],
) -> None:
    _, prometheus = rig
    page = queries(dashboard(FOLDER / "vedette-servers.json"))
    empty = [
        name
        for name, expr in page.items()
        if not any(
            math.isfinite(float(row["value"][1]))
            for row in prometheus.query(expr.replace("$__rate_interval", "5s"))
        )
    ]
    assert not empty


def test_the_fleets_alerts_see_what_is_wrong(rig: tuple[Fleet, PrometheusServer]) -> None:
    found, prometheus = rig
    wrong = {"FleetNodeLost", "FleetCameraParked"}

    def pending() -> set[str]:
        return {rule["name"] for rule in prometheus.rules() if rule["alerts"]}

    until(lambda: wrong <= pending(), 10)
    assert "FleetNoDirector" not in pending()
    found.view = replace(found.view, director_since_ns=None)
    until(lambda: "FleetNoDirector" in pending(), 10)
    assert {rule["health"] for rule in prometheus.rules()} == {"ok"}
