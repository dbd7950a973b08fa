"""A server's part: its daemon and its Director are stand-ins, the clock is moved by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from daemon.fleet.leases import Lease
from daemon.fleet.orders import Assignment, CameraFacts, Orders, Report
from daemon.fleet.shard import DirectorAwayError, Shard, missing
from daemon.fleet.wire import ToShard
from tests.support.fakes import FakeClock

GIVEN = Assignment(
    "r1",
    {"version": 1, "http": {"live": False}},
    {"gate": {"url": "synthetic://64x48"}},
    "127.0.0.1:9464",
    gateways=("127.0.0.1:9465",),
)


class FakeDaemon:
    """Hears at once what it is told, unless `deaf`."""

    def __init__(self) -> None:
        self.said = ToShard(heard=0)
        self.facts: dict[str, CameraFacts] = {}
        self.facts_s = 0.0
        self.running = False
        self.deaf = False
        self.texts: list[str] = []
        self.reloads = 0
        self.told: list[tuple[Mapping[str, Lease], tuple[str, ...]]] = []
        self.environment: Mapping[str, str] = {}
        self.stopped = False

    def write_config(self, text: str) -> None:
        self.texts.append(text)

    def ensure(self, environment: Mapping[str, str]) -> bool:
        self.environment = environment
        self.running = True
        self.said = ToShard(heard=0, ready=True)
        return True

    def reload(self) -> None:
        self.reloads += 1

    def send(self, leases: Mapping[str, Lease], leaving: tuple[str, ...]) -> int:
        self.told.append((leases, leaving))
        if not self.deaf and self.running:
            self.said = ToShard(
                len(self.told), self.said.left, ready=True, reloads=self.said.reloads
            )
        return len(self.told)

    def listen(self) -> None: ...

    def stop(self) -> None:
        self.stopped = True


class Bench:
    """A shard, and what its Director would answer."""

    def __init__(self) -> None:
        self.clock = FakeClock(100.0)
        self.daemon = FakeDaemon()
        self.orders: Orders | None = Orders("t1", 1, 2.0, {"gate": 7}, assignment=GIVEN)
        self.newest: dict[str, int] | None = None
        self.reports: list[Report] = []
        self.asked_gateways: list[tuple[str, ...]] = []
        self.shard = Shard(
            "north", self.daemon, self.clock, ask=self.ask, ask_gateways=self.gateways
        )

    def ask(self, report: Report, timeout_s: float) -> Orders:
        self.reports.append(report)
        if self.orders is None:
            self.clock.advance(timeout_s)
            raise DirectorAwayError("it does not answer")
        return self.orders

    def gateways(
        self, shard: str, gateways: tuple[str, ...], token: str | None, timeout_s: float
    ) -> dict[str, int] | None:
        self.asked_gateways.append(gateways)
        return self.newest

    def rounds(self, seconds: float) -> None:
        until_s = self.clock.now_s() + seconds
        while self.clock.now_s() < until_s:
            self.clock.advance(self.shard.step())

    def granted(self) -> Mapping[str, Lease]:
        return self.daemon.told[-1][0]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_daemon_is_started_with_its_cameras_and_told_its_grants(bench: Bench) -> None:
    bench.shard.step()
    written = json.loads(bench.daemon.texts[0])
    assert written == {
        "version": 1,
        "http": {"live": False, "listen": "127.0.0.1:9464"},
        "node": "north",
        "cameras": {"gate": {"url": "synthetic://64x48"}},
    }
    assert bench.granted() == {"gate": Lease(7, 102.0)}


def test_a_shard_of_a_gpu_shows_its_daemon_that_one_alone(bench: Bench) -> None:
    bench.orders = Orders("t1", 1, 2.0, {}, assignment=Assignment("r1", {}, {}, "h:1", gpu=1))
    bench.shard.step()
    assert bench.daemon.environment == {"CUDA_VISIBLE_DEVICES": "1"}


def test_other_cameras_are_reloaded_once_and_the_director_is_told_when_they_are_taken_up(
    bench: Bench,
) -> None:
    bench.rounds(1)
    more = Assignment("r2", {}, GIVEN.cameras, GIVEN.http)
    bench.orders = Orders("t1", 2, 2.0, {"gate": 7}, assignment=more)
    bench.rounds(1)
    assert bench.daemon.reloads == 1
    assert bench.reports[-1].revision == "r1"
    bench.daemon.said = ToShard(len(bench.daemon.told), ready=True, reloads=1)
    bench.orders = Orders("t1", 3, 2.0, {"gate": 7})
    bench.rounds(1)
    assert bench.reports[-1].revision == "r2"
    assert bench.daemon.reloads == 1


def test_a_refused_reload_is_not_said_to_be_taken_up(bench: Bench) -> None:
    bench.rounds(1)
    bench.orders = Orders("t1", 2, 2.0, {}, assignment=Assignment("r2", {}, {}, GIVEN.http))
    bench.rounds(1)
    bench.daemon.said = ToShard(0, ready=True, reloads=1, refused=True)
    bench.daemon.deaf = True
    bench.orders = Orders("t1", 3, 2.0, {})
    bench.rounds(1)
    assert bench.reports[-1].revision == "r1"


def test_a_camera_is_held_until_the_daemon_has_heard_that_it_is_not(bench: Bench) -> None:
    bench.rounds(0.5)
    bench.daemon.deaf = True
    bench.orders = Orders("t1", 2, 2.0, {})
    bench.rounds(1)
    assert bench.reports[-1].held == {"gate": 7}, "it may speak yet"
    bench.daemon.deaf = False
    bench.rounds(1)
    assert bench.reports[-1].held == {}


def test_a_deaf_daemon_holds_a_camera_no_longer_than_its_lease(bench: Bench) -> None:
    bench.rounds(0.5)
    bench.daemon.deaf = True
    bench.orders = Orders("t1", 2, 2.0, {})
    bench.rounds(3)
    assert bench.reports[-1].held == {}


def test_a_camera_that_shall_leave_is_held_until_the_daemon_says_that_it_left(
    bench: Bench,
) -> None:
    bench.orders = Orders("t1", 1, 2.0, {"gate": 7}, ("gate",), GIVEN)
    bench.rounds(1)
    assert bench.daemon.told[-1][1] == ("gate",)
    assert bench.reports[-1].held == {"gate": 7}
    bench.daemon.said = ToShard(len(bench.daemon.told), ("gate",), ready=True)
    bench.orders = Orders("t1", 2, 2.0, {})
    bench.shard.step()
    bench.shard.step()
    assert bench.reports[-1].held == {}


def test_without_director_and_gateway_everything_ends_with_the_lease(bench: Bench) -> None:
    bench.rounds(0.5)
    bench.orders = None
    bench.rounds(3)
    assert bench.granted() == {}


def test_an_island_goes_on_while_a_gateway_knows_of_no_newer_grant(bench: Bench) -> None:
    bench.rounds(0.5)
    bench.orders, bench.newest = None, {"gate": 7}
    bench.rounds(30)
    assert bench.granted()["gate"].number == 7
    assert bench.granted()["gate"].until_s > bench.clock.now_s()
    assert bench.asked_gateways[0] == ("127.0.0.1:9465",)
    bench.newest = {"gate": 8}
    bench.rounds(1)
    assert bench.granted() == {}


def test_an_island_whose_gateway_is_away_too_falls_silent(bench: Bench) -> None:
    bench.rounds(0.5)
    bench.orders, bench.newest = None, {"gate": 7}
    bench.rounds(5)
    bench.newest = None
    bench.rounds(2.5)
    assert bench.granted() == {}


def test_the_director_hears_how_long_a_shard_was_alone(bench: Bench) -> None:
    bench.rounds(0.5)
    orders, bench.orders, bench.newest = bench.orders, None, {}
    bench.rounds(5)
    bench.orders = orders
    bench.shard.step()
    assert bench.reports[-1].island_s > 4
    bench.shard.step()
    assert bench.reports[-1].island_s == 0


def test_a_daemon_that_died_is_started_again_and_holds_nothing_meanwhile(bench: Bench) -> None:
    bench.rounds(1)
    bench.daemon.running = False
    bench.daemon.said = ToShard(heard=0)
    bench.shard.step()
    assert bench.daemon.running
    assert len(bench.daemon.texts) == 2


def test_cameras_for_which_the_server_lacks_a_login_are_left_out_and_told(
    bench: Bench, tmp_path: Path
) -> None:
    login = f"file:{tmp_path / 'none'}"
    cameras = {**GIVEN.cameras, "door": {"url": "rtsp://10.0.0.5/", "credential": login}}
    bench.orders = Orders("t1", 1, 2.0, {}, assignment=Assignment("r1", {}, cameras, GIVEN.http))
    bench.rounds(1)
    assert json.loads(bench.daemon.texts[0])["cameras"].keys() == {"gate"}
    assert "door" in bench.reports[-1].lacks


def test_the_end_lets_everything_go_and_stops_the_daemon(bench: Bench) -> None:
    bench.rounds(1)
    bench.shard.stop()
    assert bench.granted() == {}
    assert bench.daemon.stopped


def test_what_a_server_lacks_is_said_without_secrets(tmp_path: Path) -> None:
    login = tmp_path / "login"
    login.write_text("admin:hunter2\n")
    login.chmod(0o600)
    section = {"url": "rtsp://10.0.0.5/", "credential": f"file:{login}"}
    assert missing(section) is None
    login.chmod(0o644)
    lack = missing(section)
    assert lack is not None
    assert "open to others" in lack
    assert "hunter2" not in lack
    clip = missing({"url": f"file://{tmp_path}/none.mp4"})
    assert clip is not None
    assert "cannot be read" in clip
