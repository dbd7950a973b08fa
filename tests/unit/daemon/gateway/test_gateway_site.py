"""What a gateway answers over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from config.schema import ListenerConfig
from daemon.gateway.fence import Holder, Refusal
from daemon.gateway.islands import Islands
from daemon.gateway.metrics import GatewayCollector
from daemon.gateway.relay import RelayReport
from daemon.gateway.site import SETTLE_S, STUCK_S, GatewaySite
from daemon.http.guarded import GuardedApp
from daemon.metrics.families import registry_of
from sinks.crowd import Attendance, HangUp
from tests.support.fakes import FakeClock
from tests.support.web import Browser


@dataclass
class FakeRelay:
    turned_s: float = 100.0
    known: dict[str, Holder] = field(default_factory=dict)

    def holders(self) -> dict[str, Holder]:
        return self.known

    def report(self) -> RelayReport:
        return RelayReport(
            {"detection": 5},
            1234,
            dict.fromkeys(Refusal, 0) | {Refusal.GRANT: 3},
            {"gate": 3},
            frozenset({"a"}),
            len(self.known),
            [Attendance("publishers", 2, 256, {HangUp.CROWDED: 1})],
        )


class House:
    def __init__(self) -> None:
        self.clock = FakeClock(100.0)
        self.relay = FakeRelay()
        islands = Islands()
        collector = GatewayCollector(
            self.relay.report, lambda: len(islands.names(self.clock.now_s()))
        )
        site = GatewaySite(self.relay, islands, self.clock, registry_of(collector))  # type: ignore[arg-type]
        app = GuardedApp(site.routes(), ListenerConfig(), self.clock, site="gateway")
        self.http = Browser(app)


@pytest.fixture
def house() -> House:
    return House()


def test_the_newest_grants_are_told_with_their_age(house: House) -> None:
    house.relay.known = {"gate": Holder(7, "b", 99.5), "yard": Holder(3, "a", None)}
    assert house.http.get("/api/v1/grants").json() == {
        "settled": False,
        "grants": {
            "gate": {"grant": 7, "node": "b", "age_s": 0.5},
            "yard": {"grant": 3, "node": "a", "age_s": None},
        },
    }
    asked = house.http.get("/api/v1/grants?camera=yard&camera=nobody").json()
    assert list(asked["grants"]) == ["yard"]


def test_it_is_settled_once_every_living_node_was_heard(house: House) -> None:
    house.clock.advance(SETTLE_S)
    assert house.http.get("/api/v1/grants").json()["settled"] is True


def test_who_asks_alone_is_an_island(house: House) -> None:
    house.http.get("/api/v1/grants?island=alder")
    assert house.http.get("/api/v1/status").json()["islands"] == ["alder"]
    assert "vedette_gateway_islands 1.0" in house.http.get("/metrics").text
    for name in ("a b", "", "x" * 64):
        assert house.http.get(f"/api/v1/grants?island={name}").status_code == 400


def test_a_question_is_bounded(house: House) -> None:
    query = "&".join(f"camera=c{n}" for n in range(1001))
    assert house.http.get(f"/api/v1/grants?{query}").status_code == 400


def test_a_relay_that_stands_still_is_no_health(house: House) -> None:
    assert house.http.get("/healthz").status_code == 200
    house.clock.advance(STUCK_S + 1)
    answer = house.http.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "the relay has not turned for 6 s"


def test_metrics_say_what_passed_and_what_did_not(house: House) -> None:
    lines = house.http.get("/metrics").text.splitlines()
    for line in (
        'vedette_gateway_messages_total{kind="detection"} 5.0',
        'vedette_gateway_refused_total{reason="grant"} 3.0',
        'vedette_gateway_refused_total{reason="malformed"} 0.0',
        'vedette_gateway_grants_rejected_total{camera="gate"} 3.0',
        'vedette_connections{listener="publishers"} 2.0',
        "vedette_gateway_nodes 1.0",
    ):
        assert line in lines
