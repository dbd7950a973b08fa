"""The shard's daemon as a process: started, fed, heard, started again, ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.clock import SystemClock
from daemon.fleet import child as module
from daemon.fleet.child import Child
from daemon.fleet.leases import Lease
from tests.support.fakes import FakeClock
from tests.support.waiting import PATIENCE_S, until

# Says what it was told, as `wire` has it; ends with code 3 where it is granted `bye`.
DAEMON = """
import json, os, signal, socket, sys
signal.signal(signal.SIGHUP, lambda *_: print("HUP", flush=True))
end = socket.socket(fileno=int(sys.argv[3]))
print(sys.argv[1], os.environ.get("NOTIFY_SOCKET"), os.environ.get("GPU"), flush=True)
for line in end.makefile("rb"):
    told = json.loads(line)
    if "bye" in told["grants"]:
        sys.exit(3)
    facts = {"state": "streaming", "decode_s": 0.5}
    cameras = {c: facts | {"pictures": n} for c, (n, _) in told["grants"].items()}
    said = {"heard": told["n"], "left": told["leaving"], "ready": True, "at_s": 7.5}
    end.sendall(json.dumps(said | {"cameras": cameras}).encode() + b"\\n")
"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def child(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    monkeypatch.setenv("NOTIFY_SOCKET", "@systemd")
    script = tmp_path / "daemon.py"
    script.write_text(DAEMON)
    child = Child("north", tmp_path / "fleet", clock, program=[sys.executable, str(script)])
    child.write_config("version: 1\n")
    yield child
    child.stop()


def log_of(child: Child) -> str:
    return child.config.with_suffix(".log").read_text()


def hear(child: Child, number: int) -> None:
    def heard() -> bool:
        child.listen()
        return child.said.heard >= number

    until(heard)


def test_the_configuration_is_for_its_owner_alone(child: Child) -> None:
    assert child.config.read_text() == "version: 1\n"
    assert child.config.stat().st_mode & 0o777 == 0o600
    assert child.config.parent.stat().st_mode & 0o777 == 0o700


def test_it_is_told_its_grants_and_heard(child: Child) -> None:
    assert child.ensure({"GPU": "1"})
    number = child.send({"gate": Lease(17, 5.0)}, ("gate",))
    hear(child, number)
    assert child.said.left == ("gate",)
    assert child.facts["gate"].pictures == 17
    assert child.facts_s == 7.5
    assert f"{child.config} None 1" in log_of(child), "systemd's socket is not for it"


def test_it_comes_after_ray_where_processor_time_is_short(child: Child) -> None:
    child.ensure({})
    assert child.pid is not None
    assert os.getpriority(os.PRIO_PROCESS, child.pid) >= module.NICE


def test_a_reload_is_a_hang_up(child: Child) -> None:
    child.ensure({})
    hear(child, child.send({}, ()))
    child.reload()
    until(lambda: "HUP" in log_of(child))


def test_one_that_ended_is_started_again_after_a_wait_that_grows(
    child: Child, clock: FakeClock
) -> None:
    child.ensure({})
    for wait_s in (0.5, 1.0):
        child.send({"bye": Lease(1, 5.0)}, ())
        until(lambda: not child.running)
        assert not child.ensure({})
        clock.advance(wait_s - 0.1)
        assert not child.ensure({})
        clock.advance(0.2)
        assert child.ensure({})


def test_what_a_dead_daemon_said_does_not_hold_any_more(child: Child) -> None:
    child.ensure({})
    hear(child, child.send({"gate": Lease(17, 5.0)}, ()))
    child.send({"bye": Lease(1, 5.0)}, ())
    until(lambda: not child.running)
    child.listen()
    assert not child.said.ready
    assert child.facts == {}


def test_a_program_that_is_not_there_is_tried_again_later(tmp_path: Path, clock: FakeClock) -> None:
    child = Child("north", tmp_path, clock, program=["/nowhere/vedette"])
    child.write_config("")
    assert not child.ensure({})
    assert not child.running
    child.stop()


def test_its_log_is_bounded(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    log = child.config.with_suffix(".log")
    log.write_text("x" * 100)
    monkeypatch.setattr(module, "MOST_LOG_BYTES", 50)
    child.ensure({})
    hear(child, child.send({}, ()))
    assert log.with_suffix(".log.1").read_text() == "x" * 100
    assert "x" * 100 not in log.read_text()


def test_it_is_ended_by_force_where_it_does_not_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.2)
    script = tmp_path / "stubborn.py"
    script.write_text(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('here', flush=True); time.sleep(60)"
    )
    child = Child("north", tmp_path, SystemClock(), program=[sys.executable, str(script)])
    child.write_config("")
    child.ensure({})
    until(lambda: "here" in log_of(child), PATIENCE_S)
    child.stop()
    assert child.pid is None
