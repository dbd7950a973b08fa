"""The daemon's end of the socket to its shard."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from config.camera import CameraConfig
from daemon.books.accounting import Ledger
from daemon.books.reports import CameraReport, ConfigReport, ModelReport, Readiness, ReloadResult
from daemon.books.states import CameraState, CameraStatus
from daemon.clock import SystemClock
from daemon.fleet import wire
from daemon.fleet.tether import Tether
from tests.support.waiting import PATIENCE_S, until


class Reporter:
    """A daemon with one camera."""

    def cameras(self) -> list[CameraReport]:
        status = CameraStatus("gate", CameraState.STREAMING)
        camera = CameraConfig(url="synthetic://gate")
        return [CameraReport(status, Ledger().page(), camera, decode_s=1.25)]

    def model(self) -> ModelReport:
        return ModelReport("fake", "float32", ("person",), "0" * 64, 1, 1.0, 8, pace=60.0)

    def config(self) -> ConfigReport:
        reloads = dict.fromkeys(ReloadResult, 0) | {ReloadResult.APPLIED: 2}
        return ConfigReport("0" * 12, 1, 1, reloads)

    def readiness(self) -> Readiness:
        return Readiness(model_warm=True, sinks_bound=True, capture_started=True, not_draining=True)


class Rope:
    """A tether, and the shard's end of it."""

    def __init__(self) -> None:
        self.shard, theirs = socket.socketpair()
        self.shard.settimeout(PATIENCE_S)
        self.lost = threading.Event()
        self.tether = Tether(theirs, SystemClock(), on_loss=self.lost.set)
        self.fence = self.tether.fence
        self._lines = wire.Lines()
        self.tether.start(Reporter())  # type: ignore[arg-type]

    def tell(self, n: int, grants: dict[str, tuple[int, float]], leaving: tuple[str, ...] = ()):
        self.shard.sendall(wire.encode(wire.ToDaemon(n, grants, leaving)))
        until(lambda: self.hear().heard == n)

    def hear(self) -> wire.ToShard:
        while True:
            lines = self._lines.feed(self.shard.recv(65536))
            if lines:
                return wire.to_shard(lines[-1])


@pytest.fixture
def rope() -> Iterator[Rope]:
    rope = Rope()
    yield rope
    rope.tether.stop()
    rope.shard.close()


def soon() -> float:
    return SystemClock().now_s() + 60.0


def test_grants_open_the_fence_and_their_absence_closes_it(rope: Rope) -> None:
    licence = rope.fence.licence("gate")
    assert not licence.permit.holds(0.0)
    rope.tell(1, {"gate": (17, soon())})
    assert licence.permit.number == 17
    assert rope.fence.granted(["gate", "yard"], SystemClock().now_s()) == {"gate"}
    rope.tell(2, {})
    assert rope.fence.granted(["gate"], SystemClock().now_s()) == frozenset()


def test_a_permit_of_another_number_is_another_permit(rope: Rope) -> None:
    rope.tell(1, {"gate": (17, soon())})
    before = rope.fence.licence("gate").permit
    rope.tell(2, {"gate": (19, soon())})
    assert not before.holds(0.0)
    assert rope.fence.licence("gate").permit.number == 19


def test_the_shard_hears_how_daemon_and_cameras_are(rope: Rope) -> None:
    said = rope.hear()
    assert (said.ready, said.pace, said.reloads, said.refused) == (True, 60.0, 2, False)
    assert said.cameras == {"gate": wire.CameraState("streaming", 1.25, 0)}


def test_a_camera_that_shall_leave_may_still_speak_and_is_said_to_have_left_once_it_stopped(
    rope: Rope,
) -> None:
    rope.tell(1, {"gate": (17, soon())}, ("gate",))
    assert rope.fence.granted(["gate"], SystemClock().now_s()) == frozenset()
    assert rope.fence.licence("gate").permit.holds(SystemClock().now_s())
    rope.fence.obeyed(frozenset())
    until(lambda: rope.hear().left == ("gate",))


def test_a_shard_that_hangs_up_ends_every_grant_and_the_daemon(rope: Rope) -> None:
    rope.tell(1, {"gate": (17, soon())})
    rope.shard.close()
    assert rope.lost.wait(PATIENCE_S)
    assert not rope.fence.licence("gate").permit.holds(0.0)


def test_what_is_no_message_is_taken_as_a_hang_up(rope: Rope) -> None:
    rope.shard.sendall(b"{}\n")
    assert rope.lost.wait(PATIENCE_S)


def test_the_kernel_ends_a_daemon_whose_shard_was_killed() -> None:
    child = (
        "import time; from daemon.fleet.tether import die_with_parent;"
        " die_with_parent(); print(1, flush=True); time.sleep(60)"
    )
    parent = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', sys.argv[1]],"
        " stdout=subprocess.PIPE); p.stdout.readline(); print(p.pid, flush=True); time.sleep(60)"
    )
    shard = subprocess.Popen(
        [sys.executable, "-c", parent, child], stdout=subprocess.PIPE, text=True
    )
    assert shard.stdout is not None
    pid = int(shard.stdout.readline())
    shard.send_signal(signal.SIGKILL)
    shard.wait(PATIENCE_S)
    shard.stdout.close()
    until(lambda: not _lives(pid))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
