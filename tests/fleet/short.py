"""Several faults on one fleet, for `make test`, with the commands that an operator has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

from daemon.fleet.view import Cause
from tests.fault.case import Case
from tests.fleet.listener import Listener
from tests.fleet.play import Row, answered, moves, spread, worst_gap_s
from tests.fleet.rig import ROOT, Rig


def short(rig: Rig, heard: Listener, case: Case) -> None:
    """Several faults on one fleet, for `make test`: a drain, a daemon, then a server killed."""
    victims, at_s = rig.of_node("north"), time.monotonic()
    case.equal("drain: exit code", rig.command("drain", "north")[0], 0)
    rig.wait(lambda: not rig.of_node("north"), 60, "drained")
    answered(rig, heard, 30, victims)
    case.at_most("drain: no answer", worst_gap_s(heard, victims, at_s), 2.0, "s")
    rig.reach.drain("north", undo=True)
    moving = rig.command("rebalance")[1]
    case.equal("rebalance", moving.split()[-1].startswith("move"), True)
    spread(rig)
    answered(rig, heard, 60)
    with ThreadPoolExecutor() as pool:  # each waits most of the time for Ray to connect
        asked = {verb: pool.submit(rig.command, verb) for verb in ("status", "plan", "check")}
        case.equal("page and API of the fleet", served(rig), 4)
    told = {verb: one.result() for verb, one in asked.items()}
    case.equal("commands that fail", [verb for verb in told if told[verb][0]], [])
    case.equal("status names both servers", told["status"][1].count(" up "), 2)
    case.equal("plan", "more cameras fit" in told["plan"][1], True)
    case.equal("check", told["check"][1].count("has what its 4 cameras need"), 2)
    rig.wait(lambda: rig.of_node("south"), 60, "south has cameras")
    victims, at_s = rig.of_node("south"), time.monotonic()
    os.kill(rig.child_pid("south"), signal.SIGKILL)
    time.sleep(0.5)
    answered(rig, heard, 60, victims)
    case.at_most("daemon killed: no answer", worst_gap_s(heard, victims, at_s), 12.0, "s")
    rig.wait(lambda: all(node.reason == "" for node in rig.view().nodes), 60, "both are ready")
    fuller = max(rig.nodes, key=lambda name: len(rig.of_node(name)))
    lost = moves(rig, Cause.LOST)
    victims, at_s = rig.of_node(fuller), time.monotonic()
    rig.signal_node(fuller, signal.SIGKILL)
    time.sleep(1.0)
    answered(rig, heard, 60)
    case.at_most("server killed: no answer", worst_gap_s(heard, victims, at_s), 6.0, "s")
    case.equal("server killed: cameras that moved", moves(rig, Cause.LOST) - lost, len(victims))


def served(rig: Rig) -> int:
    """How many cameras `vedette fleet run` shows over HTTP as running, once it is up; it is ended
    then, in order.
    """
    keeper = subprocess.Popen(
        [sys.executable, "-m", "daemon.cli", "fleet", "run", str(rig.file)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        shown = 0

        def running() -> bool:
            nonlocal shown
            with urlopen("http://127.0.0.1:9460/api/v1/fleet", timeout=2) as answer:
                cameras = json.load(answer)["cameras"]
            shown = sum(camera["placement"] == "running" for camera in cameras)
            return shown == len(rig.cameras)

        rig.wait(running, 60, "the fleet's API")
    finally:
        keeper.send_signal(signal.SIGTERM)
        code = keeper.wait(15)
    assert code == 0, f"vedette fleet run ended with {code}"
    return shown


SHORT = Row("several", "as each by itself", short, {"nodes": ("north", "south"), "cameras": 4})
