"""Director, two shards and their real daemons in one process instead of an actor each: all of a
fleet but Ray.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.clock import SystemClock
from daemon.fleet.child import Child
from daemon.fleet.director import Director
from daemon.fleet.orders import Orders, Report
from daemon.fleet.shard import DirectorAwayError, Shard
from daemon.fleet.store import Store
from daemon.fleet.view import NodeState
from tests.fleet.listener import Listener
from tests.support.daemon_process import free_port
from tests.support.fleet import PROGRAM
from tests.support.waiting import until

pytestmark = pytest.mark.integration

START_S = 60.0


class Server:
    """A shard's thread, which a test can cut off or freeze, and its daemon."""

    def __init__(self, name: str, fleet: SmallFleet) -> None:
        clock = SystemClock()
        program = [sys.executable, *PROGRAM]
        self.child = Child(name, fleet.folder, clock, program=program)
        self.shard = Shard(name, self.child, clock, ask=self.ask, ask_gateways=self.gateways)
        self.fleet = fleet
        self.cut_off = False
        self.newest: dict[str, int] | None = None
        self.running = threading.Event()
        self.running.set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, name=f"shard:{name}")
        self.thread.start()

    def ask(self, report: Report, timeout_s: float) -> Orders:
        if self.cut_off:
            self.stopping.wait(timeout_s)
            raise DirectorAwayError("cut off")
        return self.fleet.report(report)

    def gateways(self, *_: object) -> dict[str, int] | None:
        return self.newest

    def run(self) -> None:
        while not self.stopping.is_set():
            self.stopping.wait(self.shard.step())
            self.running.wait()
        self.shard.stop()

    def freeze(self) -> None:
        self.running.clear()
        assert self.child.pid is not None
        os.kill(self.child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.child.pid is not None
        os.kill(self.child.pid, signal.SIGCONT)
        self.running.set()

    def stop(self) -> None:
        self.running.set()
        self.stopping.set()
        self.thread.join()


class SmallFleet:
    """Two servers with two cameras each."""

    def __init__(self, folder: Path) -> None:
        from tests.fleet.rig import Rig

        self.folder = folder / "fleet"
        gateways = {"one": "127.0.0.1:9"}  # never called: a test says what they would answer
        rig = Rig(folder, nodes=("north", "south"), cameras=4, gateways=gateways)
        for name, node in rig.sections["fleet"]["nodes"].items():
            node["http"] = f"127.0.0.1:{free_port()}"
            node["bind"] = rig.binds[name] = f"tcp://127.0.0.1:{free_port()}"
        self.rig = rig
        self.lock = threading.Lock()
        self.store = Store(self.folder)
        self.director = Director(rig.setup(), self.store, SystemClock())
        self.servers = {name: Server(name, self) for name in rig.nodes}

    def report(self, report: Report) -> Orders:
        with self.lock:
            return self.director.report(report)

    def of(self, name: str) -> list[str]:
        with self.lock:
            return [camera for camera, held in self.director.book.of(name).items() if held]

    def stop(self) -> None:
        for server in self.servers.values():
            server.stopping.set()
        for server in self.servers.values():
            server.stop()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallFleet]:
    fleet = SmallFleet(tmp_path_factory.mktemp("fleet"))
    yield fleet
    fleet.stop()
    for log in fleet.folder.glob("*.log"):
        text = log.read_text()
        assert "Traceback" not in text
        ends = [line for line in text.splitlines() if "stopped captured=" in line]
        assert ends
        assert all("balanced=True" in line for line in ends)


@pytest.fixture
def heard(fleet: SmallFleet) -> Iterator[Listener]:
    with Listener(list(fleet.rig.binds.values())) as listener:
        settle(fleet, listener)
        yield listener
        assert listener.doubles() == 0


def settle(fleet: SmallFleet, listener: Listener, timeout_s: float = START_S) -> None:
    """Every camera is answered from now on."""
    since_s = time.monotonic()

    def answered() -> bool:
        names = {one.camera for one in list(listener.heard) if one.at_s > since_s}
        return names == set(fleet.rig.cameras)

    until(answered, timeout_s)


def two_each(fleet: SmallFleet, listener: Listener) -> None:

    def balanced() -> bool:
        if len(fleet.of("north")) == len(fleet.of("south")) == 2:
            return True
        time.sleep(0.2)
        with fleet.lock:
            fleet.director.rebalance()
        return False

    until(balanced, 60)
    settle(fleet, listener)


def test_cameras_are_placed_and_every_answer_says_its_grant(
    fleet: SmallFleet, heard: Listener
) -> None:
    two_each(fleet, heard)
    assert all(one.grant > 0 for one in heard.heard)
    assert {one.node for one in heard.heard} == {"north", "south"}


def test_a_killed_daemon_is_started_again_and_answers(fleet: SmallFleet, heard: Listener) -> None:
    two_each(fleet, heard)
    cameras, pid = fleet.of("north"), fleet.servers["north"].child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: fleet.servers["north"].child.pid not in (None, pid), 30)
    settle(fleet, heard)
    assert set(fleet.of("north")) == set(cameras), "none moved"


def test_a_drained_server_gives_its_cameras_away_without_a_gap_to_speak_of(
    fleet: SmallFleet, heard: Listener
) -> None:
    two_each(fleet, heard)
    cameras, since_s = fleet.of("north"), time.monotonic()
    with fleet.lock:
        fleet.director.drain("north")
    state = fleet.director.members["north"]
    until(lambda: state.state is NodeState.DRAINED, 60)
    settle(fleet, heard)
    gaps: dict[str, Any] = {camera: heard.gap_s(camera, since_s) for camera in cameras}
    with fleet.lock:
        fleet.director.drain("north", undo=True)
    assert max(gaps.values()) < 6.0, f"a second is the target: {gaps}"


def test_a_server_that_was_frozen_says_nothing_once_it_wakes(
    fleet: SmallFleet, heard: Listener
) -> None:
    two_each(fleet, heard)
    cameras = fleet.of("north")
    grants = {camera: fleet.director.book.number(camera) or 0 for camera in cameras}
    fleet.servers["north"].freeze()
    frozen_ns = time.time_ns()
    until(lambda: set(fleet.of("south")) == set(fleet.rig.cameras), 30)
    settle(fleet, heard)
    woken_s = time.monotonic()
    fleet.servers["north"].thaw()
    settle(fleet, heard)
    until(lambda: time.monotonic() - woken_s > 2.0)
    old = [
        one
        for camera in cameras
        for one in heard.of(camera, woken_s)
        if one.grant <= grants[camera] and one.captured_ns > frozen_ns
    ]
    assert old == []


def test_cut_off_from_the_director_it_falls_silent_unless_a_gateway_lets_it_go_on(
    fleet: SmallFleet, heard: Listener
) -> None:
    two_each(fleet, heard)
    with fleet.lock:  # nobody gives its cameras to others meanwhile: the Director is away
        cameras = list(fleet.director.book.of("north"))
        for server in fleet.servers.values():
            server.cut_off, server.newest = True, {}
    time.sleep(4.0)
    since_s = time.monotonic()
    settle(fleet, heard, 15.0)
    for server in fleet.servers.values():
        server.newest = None
    time.sleep(4.0)
    silent_s = time.monotonic()
    time.sleep(1.0)
    late = [one for one in list(heard.heard) if one.at_s > silent_s]
    for server in fleet.servers.values():
        server.cut_off = False
    assert late == []
    assert max(heard.gap_s(camera, since_s) for camera in cameras) > 0.5
    settle(fleet, heard)
