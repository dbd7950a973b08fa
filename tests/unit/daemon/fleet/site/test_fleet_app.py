"""What the fleet's address answers, without a node behind it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.schema import ListenerConfig
from daemon.fleet.site.app import FleetSite
from daemon.fleet.view import FleetView, NodeState, Placement, Severity
from daemon.http.guarded import GuardedApp
from tests.support.fakes import FakeClock
from tests.support.fleet_view import camera, fleet, movement, node
from tests.support.web import Browser


class House:
    def __init__(self) -> None:
        self.view = fleet()
        site = FleetSite(lambda: self.view, node_token=lambda: None)
        app = GuardedApp(site.routes(), ListenerConfig(), FakeClock(), site="fleet")
        self.http = Browser(app)

    def use(self, **fields: object) -> None:
        self.view = replace(self.view, **fields)  # type: ignore[arg-type]


@pytest.fixture
def house() -> House:
    return House()


def test_the_fleet_is_told_whole(house: House) -> None:
    house.use(movements=(movement("gate", "birch", "alder"),))
    said = house.http.get("/api/v1/fleet").json()
    assert [n["name"] for n in said["nodes"]] == ["alder", "birch", "cedar"]
    assert said["nodes"][0]["state"] == "up"
    assert said["cameras"][0] == {
        "name": "gate",
        "placement": "running",
        "since_ns": 1_795_000_000_000_000_000,
        "node": "alder",
        "grant": 7,
        "priority": 1,
        "fps": 5.0,
        "fps_wanted": 5.0,
        "decode_cores": None,
        "reason": "",
    }
    assert said["movements"][0]["cause"] == "lost"
    assert said["moves"] == {"start": 3}
    assert said["alarms"] == []
    assert said["version"]


def test_every_node_and_gateway_is_a_target_even_a_lost_one(house: House) -> None:
    lost = node("birch", "10.0.0.2:9464", state=NodeState.LOST)
    house.use(nodes=(node("alder", "10.0.0.1:9464"), lost))
    assert house.http.get("/api/v1/targets").json() == [
        {"targets": ["10.0.0.1:9464"], "labels": {"role": "node", "node": "alder"}},
        {"targets": ["10.0.0.2:9464"], "labels": {"role": "node", "node": "birch"}},
        {"targets": ["127.0.0.1:9465"], "labels": {"role": "gateway", "node": "one"}},
    ]


def test_metrics_say_how_nodes_and_cameras_are(house: House) -> None:
    parked = camera("dock", None, placement=Placement.PARKED, fps=0.0)
    house.use(cameras=(camera("gate"), parked), nodes=(node("alder"),))
    lines = house.http.get("/metrics").text.splitlines()
    for line in (
        "vedette_fleet_director_up 1.0",
        'vedette_fleet_node_state{node="alder",state="up"} 1.0',
        'vedette_fleet_node_state{node="alder",state="lost"} 0.0',
        'vedette_fleet_node_decode_cores_used{node="alder"} 3.2',
        'vedette_fleet_node_cameras{node="alder"} 1.0',
        'vedette_fleet_cameras{placement="parked"} 1.0',
        'vedette_fleet_camera_parked{camera="dock"} 1.0',
        'vedette_fleet_movements_total{reason="start"} 3.0',
        'vedette_fleet_movements_total{reason="lost"} 0.0',
        'vedette_fleet_gateway_up{gateway="one"} 1.0',
    ):
        assert line in lines
    house.use(director_since_ns=None)
    assert "vedette_fleet_director_up 0.0" in house.http.get("/metrics").text


def test_a_cameras_page_leads_to_an_address_that_stays_when_the_camera_moves(house: House) -> None:
    answer = house.http.get("/camera/gate")
    assert answer.status_code == 307
    assert answer.headers["location"] == "../fleet/at/gate/camera/gate"
    assert house.http.get("/camera/nobody").status_code == 404


def test_only_what_the_fleet_knows_is_asked(house: House) -> None:
    for path in ("/fleet/node/evil.example.org/", "/fleet/at/nobody/", "/fleet/node/10.0.0.9:80/"):
        assert house.http.get(path).status_code == 404
    answer = house.http.request("PUT", "/fleet/node/alder/api/v1/cameras/gate/places")
    assert answer.status_code == 405


def test_a_camera_without_a_server_is_said_to_be_so(house: House) -> None:
    reason = "no server has room"
    house.use(cameras=(camera("gate", None, placement=Placement.PARKED, reason=reason),))
    answer = house.http.get("/fleet/at/gate/camera/gate")
    assert answer.status_code == 503
    assert reason in answer.json()["error"]["detail"]
    assert answer.headers["retry-after"]


def test_a_lost_server_is_not_waited_for(house: House) -> None:
    house.use(nodes=(node("alder", state=NodeState.LOST, reason="no report for 6 s"),))
    answer = house.http.get("/fleet/node/alder/")
    assert answer.status_code == 503
    assert "no report for 6 s" in answer.json()["error"]["detail"]


def test_a_server_that_cannot_be_reached_is_a_bad_gateway(house: House) -> None:
    answer = house.http.get("/fleet/node/alder/metrics")  # port 1 of loopback
    assert answer.status_code == 502
    assert "server alder does not answer" in answer.json()["error"]["detail"]
    assert "127.0.0.1" not in answer.text


def test_pages_of_errors_lead_to_the_fleets_own_pages(house: House) -> None:
    page = house.http.get("/nothing", headers={"accept": "text/html"}).text
    assert ">Fleet</a>" in page
    assert ">Recordings</a>" not in page


def test_alarms_are_those_of_the_director_and_what_can_be_seen_without_it(house: House) -> None:
    house.use(
        director_since_ns=None,
        nodes=(node("alder"), node("birch", state=NodeState.LOST)),
        cameras=(
            camera("gate", None, placement=Placement.PARKED),
            camera("yard", placement=Placement.REDUCED, fps=2.0),
        ),
    )
    alarms = house.http.get("/api/v1/fleet").json()["alarms"]
    assert [(alarm["kind"], alarm["subject"]) for alarm in alarms] == [
        ("no_director", "director"),
        ("node_lost", "birch"),
        ("camera_parked", "gate"),
        ("camera_reduced", "yard"),
    ]
    assert [a["severity"] for a in alarms] == [*[Severity.CRITICAL] * 3, Severity.WARNING]
    assert alarms[3]["text"] == "Camera yard gets 2 of 5 fps."


def test_a_view_without_anything_is_answered_all_the_same() -> None:
    house = House()
    house.view = FleetView(at_ns=1, director_since_ns=None)
    for path in ("/", "/api/v1/fleet", "/api/v1/targets", "/api/v1/cameras", "/metrics"):
        assert house.http.get(path).status_code == 200
