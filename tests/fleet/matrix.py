"""What is done to a fleet, and what is measured: each row with a rig of its own, or several on one.

A row is a function that is given a rig whose cameras are all answered, and a `Case` for figures.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from daemon.fleet.view import Cause, NodeState, Placement
from tests.fault.case import Case
from tests.fleet.processes import lives
from tests.fleet.rig import FPS, ROOT, Heard, Listener, Rig

START_S = 90.0
REST_S = 3.0  # before a fault: rates are steady
SUBSCRIBED_S = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, and what is expected of the fleet."""

    fault: str
    expected: str
    measure: Callable[[Rig, Listener, Case], None]
    options: dict[str, Any]


ROWS: dict[str, Row] = {}


def row(fault: str, expected: str, **options: Any) -> Callable[[Any], Any]:
    def keep(measure: Callable[[Rig, Listener, Case], None]) -> Any:
        ROWS[measure.__name__.replace("_", "-")] = Row(fault, expected, measure, options)
        return measure

    return keep


def play(name: str, folder: Path) -> dict[str, Any]:
    """Measure one row; never raises."""
    folder.mkdir(parents=True)
    played = SHORT if name == "short" else ROWS[name]
    case = Case(folder, long=name != "short")
    rig = Rig(folder, **played.options)
    began_s = time.monotonic()
    try:
        rig.start()
        with Listener(list(rig.binds.values())) as heard:
            answered(rig, heard, START_S)
            time.sleep(REST_S)
            played.measure(rig, heard, case)
            case.equal("answers of one moment from two grants", heard.doubles(), 0)
    except Exception as error:  # the other rows are wanted all the same
        traceback.print_exc()
        case.equal("measured", type(error).__name__, "to the end")
    finally:
        rig.stop()
    books(rig, case)
    took_s = round(time.monotonic() - began_s, 1)
    return {"row": name, "took_s": took_s, "measures": [asdict(m) for m in case.measures]}


def answered(
    rig: Rig, heard: Listener, timeout_s: float, cameras: list[str] | None = None
) -> float:
    """Seconds until every camera is answered from now on."""
    since_s = time.monotonic()
    wanted = set(rig.cameras if cameras is None else cameras)

    def all_heard() -> bool:
        return wanted <= {one.camera for one in list(heard.heard) if one.at_s >= since_s}

    return rig.wait(all_heard, timeout_s, f"answers of {sorted(wanted)}")


def books(rig: Rig, case: Case) -> None:
    """Of every daemon that could end in order."""
    lines = [
        line for _, text in rig.logs() for line in text.splitlines() if "stopped captured=" in line
    ]
    case.equal("books that do not balance", sum("balanced=True" not in line for line in lines), 0)
    unhandled = [
        line for _, text in rig.logs() for line in text.splitlines() if "Traceback" in line
    ]
    case.equal("unhandled exceptions of daemons", len(unhandled), 0)


def state(rig: Rig, node: str) -> NodeState:
    return {n.name: n.state for n in rig.view().nodes}[node]


def moves(rig: Rig, cause: Cause) -> int:
    return rig.view().moves.get(cause, 0)


def worst_gap_s(heard: Listener, cameras: list[str], since_s: float) -> float:
    return max(heard.gap_s(camera, since_s) for camera in cameras)


@row("a daemon is killed (SIGKILL)", "its shard starts it again; no camera moves")
def child_killed(rig: Rig, heard: Listener, case: Case) -> None:
    victims = rig.of_node("north")
    others = [camera for camera in rig.cameras if camera not in victims]
    at_s = time.monotonic()
    os.kill(rig.child_pid("north"), signal.SIGKILL)
    time.sleep(0.5)
    answered(rig, heard, 30, victims)
    case.at_most("without an answer", worst_gap_s(heard, victims, at_s), 12.0, "s")
    case.at_most("other cameras without an answer", worst_gap_s(heard, others, at_s), 1.0, "s")
    moved = sum(rig.view().moves.values()) - moves(rig, Cause.START)
    case.equal("cameras that moved", moved, 0)


@row("a shard is killed (SIGKILL)", "its daemon ends with it; Ray starts the shard again")
def shard_killed(rig: Rig, heard: Listener, case: Case) -> None:
    victims = rig.of_node("north")
    child = rig.child_pid("north")
    at_s = time.monotonic()
    os.kill(rig.shard_pid("north"), signal.SIGKILL)
    gone_s = rig.wait(lambda: not lives(child), 5, "its daemon ends")
    case.at_most("its daemon lived on", gone_s, 0.5, "s")
    answered(rig, heard, 40, victims)
    case.at_most("without an answer", worst_gap_s(heard, victims, at_s), 15.0, "s")


@row("a server is dead (every process of it)", "its cameras are answered elsewhere within 6 s")
def node_killed(rig: Rig, heard: Listener, case: Case) -> None:
    victims = rig.of_node("north")
    others = [camera for camera in rig.cameras if camera not in victims]
    at_s = time.monotonic()
    rig.signal_node("north", signal.SIGKILL)
    time.sleep(1.0)
    answered(rig, heard, 30, victims)
    case.at_most("without an answer", worst_gap_s(heard, victims, at_s), 6.0, "s")
    case.at_most("other cameras without an answer", worst_gap_s(heard, others, at_s), 1.5, "s")
    case.equal("cameras that moved", moves(rig, Cause.LOST), len(victims))


@row(
    "a server is frozen (SIGSTOP) for 15 s and goes on (SIGCONT)",
    "as dead; once it wakes it says nothing, and its raylet, declared dead, ends",
)
def node_frozen(rig: Rig, heard: Listener, case: Case) -> None:
    victims = rig.of_node("north")
    at_s = time.monotonic()
    rig.signal_node("north", signal.SIGSTOP)
    time.sleep(1.0)
    answered(rig, heard, 30, victims)
    case.at_most("without an answer", worst_gap_s(heard, victims, at_s), 6.0, "s")
    time.sleep(max(0.0, at_s + 15.0 - time.monotonic()))
    grants = {camera: max(one.grant for one in heard.of(camera)) for camera in victims}
    awake_s = time.monotonic()
    rig.signal_node("north", signal.SIGCONT)
    time.sleep(8.0)
    old = [
        one for camera in victims for one in heard.of(camera, awake_s) if one.grant < grants[camera]
    ]
    case.equal("answers of an old grant after it woke", len(old), 0)
    case.equal("cameras that moved", moves(rig, Cause.LOST), len(victims))


@row(
    "a server is drained",
    "its cameras leave one by one, each with a gap of at most a second",
)
def drain(rig: Rig, heard: Listener, case: Case) -> None:
    victims = rig.of_node("north")
    at_s = time.monotonic()
    rig.reach.drain("north")
    rig.wait(
        lambda: state(rig, "north") is NodeState.DRAINED,
        20,
        "drained",
    )
    answered(rig, heard, 10, victims)
    case.at_most("without an answer", worst_gap_s(heard, victims, at_s), 1.0, "s")
    case.equal("cameras that moved", moves(rig, Cause.DRAIN), len(victims))


@row("the Director is killed in the middle of a drain", "the move is finished, nothing twice")
def director_killed(rig: Rig, heard: Listener, case: Case) -> None:
    import ray

    from daemon.fleet.ray_names import DIRECTOR, NAMESPACE

    victims = rig.of_node("north")
    at_s = time.monotonic()
    rig.reach.drain("north")
    time.sleep(0.2)
    ray.kill(ray.get_actor(DIRECTOR, namespace=NAMESPACE), no_restart=False)
    rig.wait(
        lambda: not rig.of_node("north") and len(rig.placed()) == len(rig.cameras), 30, "moved"
    )
    answered(rig, heard, 20)
    case.at_most(
        "cameras that move, without an answer", worst_gap_s(heard, victims, at_s), 10.0, "s"
    )


@row(
    "capacity is short: three servers with room for two thirds",
    "high priorities are answered whole, the lowest are parked, and it is said",
)
def capacity_short(rig: Rig, heard: Listener, case: Case) -> None:
    for name in rig.cameras[:3]:
        rig.sections["cameras"][name]["priority"] = 9
    for node in rig.sections["fleet"]["nodes"].values():
        node["pictures_per_s"] = 1.4 * FPS
    rig.direct()
    rig.wait(
        lambda: (
            any(c.placement is Placement.REDUCED for c in rig.view().cameras)
            or any(c.placement is Placement.PARKED for c in rig.view().cameras)
        ),
        30,
        "room is short",
    )
    time.sleep(8)
    view = rig.view()
    least = {c.name: c for c in view.cameras}
    high = [least[name] for name in rig.cameras[:3]]
    case.equal("cameras of high priority that get less", sum(c.fps < FPS for c in high), 0)
    short = [c for c in view.cameras if c.placement is not Placement.RUNNING]
    case.at_least("others that get less or nothing", len(short), 1)
    alarms = {alarm.subject for alarm in view.alarms}
    case.equal("of these not told as an alarm", len([c for c in short if c.name not in alarms]), 0)
    since_s = time.monotonic()
    answered(rig, heard, 10, [c.name for c in high])
    case.at_most(
        "high priority without an answer",
        worst_gap_s(heard, [c.name for c in high], since_s),
        1.0,
        "s",
    )


@row(
    "the network to a server is cut for 15 s (its own network namespace) and mended",
    "it falls silent before its cameras are answered elsewhere; it joins again and moves nothing",
    apart="north",
)
def partition(rig: Rig, heard: Listener, case: Case) -> None:
    assert rig.apart is not None
    rig.apart.listen(rig.binds["north"], heard.heard, Heard)
    time.sleep(3.0)
    victims = rig.of_node("north")
    inside = [one for one in heard.heard if one.node == "north"]
    case.at_least("answers heard twice, inside and outside", len(inside), 20)
    cut_s = time.monotonic()
    rig.apart.cut()
    others = [camera for camera in rig.cameras if camera not in victims]
    rig.wait(lambda: set(victims) <= answered_by_others(heard, cut_s), 20, "answered elsewhere")
    time.sleep(max(0.0, cut_s + 15.0 - time.monotonic()))
    first = {
        camera: min(o.at_s for o in heard.of(camera, cut_s) if o.node != "north")
        for camera in victims
    }
    spoke = [o.at_s for o in list(heard.heard) if o.node == "north" and o.at_s > cut_s]
    case.at_most("spoke on after the cut", max(spoke, default=cut_s) - cut_s, 2.2, "s")
    case.at_most("answered elsewhere after", max(first.values()) - cut_s, 10.0, "s")
    case.at_most("other cameras without an answer", worst_gap_s(heard, others, cut_s), 1.5, "s")
    rig.apart.mend()
    mended_s, mended_ns = time.monotonic(), time.time_ns()
    time.sleep(10.0)
    late = [o for o in list(heard.heard) if o.node == "north" and o.at_s > mended_s]
    fresh = [o for o in late if o.captured_ns > mended_ns - 12e9]
    case.equal("answers of it to new pictures, after it was mended", len(fresh), 0)
    case.note("old ones that the network still had, with their older grant", len(late), "")
    case.equal("cameras that moved", moves(rig, Cause.LOST), len(victims))


def answered_by_others(heard: Listener, since_s: float) -> set[str]:
    return {o.camera for o in list(heard.heard) if o.node != "north" and o.at_s > since_s}


@row(
    "a server dies and comes back, twice in a row",
    "its cameras move once, away from it; it joins each time and gets none back by itself",
)
def node_flaps(rig: Rig, heard: Listener, case: Case) -> None:
    victims = rig.of_node("north")
    at_s = time.monotonic()
    for _ in range(2):
        rig.signal_node("north", signal.SIGKILL)
        rig.wait(lambda: state(rig, "north") is NodeState.LOST, 20, "lost")
        rig.add("north")
        rig.wait(lambda: state(rig, "north") is NodeState.UP, 60, "back")
    answered(rig, heard, 20)
    case.at_most("without an answer", worst_gap_s(heard, victims, at_s), 6.0, "s")
    case.equal("cameras that moved", moves(rig, Cause.LOST), len(victims))
    case.equal("cameras it has", len(rig.of_node("north")), 0)


@row(
    "the head's GCS and the Director are killed, and come back after 6 s",
    "without a gateway all stops with the lease; the same grants or newer ones once it is back",
)
def head_killed(rig: Rig, heard: Listener, case: Case) -> None:
    director = rig.director_pid()
    at_s = time.monotonic()
    rig.kill_head(director)
    time.sleep(6.0)
    late = [one for one in list(heard.heard) if at_s + 3.0 < one.at_s < at_s + 6.0]
    case.equal("answers later than 3 s after its end", len(late), 0)
    back_s = time.monotonic()
    rig.start_head()
    answered(rig, heard, 60)
    case.note("answered again after it came back", time.monotonic() - back_s, "s")


@row(
    "the head's GCS and the Director are killed for 6 s, with a gateway",
    "servers go on as islands: the gateway knows of no newer grant; nothing moves",
    gateway=True,
)
def head_killed_with_gateway(rig: Rig, heard: Listener, case: Case) -> None:
    before = rig.placed()
    director = rig.director_pid()
    at_s = time.monotonic()
    rig.kill_head(director)
    time.sleep(6.0)
    case.at_most("without an answer", worst_gap_s(heard, rig.cameras, at_s), 1.0, "s")
    rig.start_head()
    rig.wait(lambda: rig.view().director_since_ns and len(rig.placed()) == 9, 60, "a Director")
    time.sleep(5.0)
    case.at_most("and after it came back", worst_gap_s(heard, rig.cameras, at_s), 1.0, "s")
    case.equal("cameras elsewhere than before", len(before.items() - rig.placed().items()), 0)


@row(
    "the only gateway is killed and started again, with the head there",
    "subscribers hear nothing meanwhile, and all of it again",
    gateway=True,
)
def gateway_killed(rig: Rig, heard: Listener, case: Case) -> None:
    assert rig.gateway is not None
    at_s = time.monotonic()
    rig.gateway.stop(signal.SIGKILL)
    time.sleep(2.0)
    rig.gateway.start()
    answered(rig, heard, 30)
    case.at_most("without an answer", worst_gap_s(heard, rig.cameras, at_s), 8.0, "s")
    moved = sum(rig.view().moves.values()) - moves(rig, Cause.START)
    case.equal("cameras that moved", moved, 0)


@row(
    "a server is frozen for 10 s and goes on, with a gateway",
    "as without one, and subscribers have one address",
    gateway=True,
)
def node_frozen_with_gateway(rig: Rig, heard: Listener, case: Case) -> None:
    node_frozen(rig, heard, case)


def short(rig: Rig, heard: Listener, case: Case) -> None:
    """Several faults on one fleet, for `make test`: a drain, a daemon, then a server killed."""
    victims, at_s = rig.of_node("north"), time.monotonic()
    case.equal("drain: exit code", rig.command("drain", "north")[0], 0)
    rig.wait(lambda: not rig.of_node("north"), 20, "drained")
    answered(rig, heard, 10, victims)
    case.at_most("drain: no answer", worst_gap_s(heard, victims, at_s), 1.0, "s")
    rig.command("drain", "north", "--undo")
    moving = rig.command("rebalance")[1]
    case.equal("rebalance", moving.strip().splitlines()[-1], "2 cameras move")
    rig.wait(lambda: rig.of_node("north"), 20, "north has cameras again")
    answered(rig, heard, 20)
    case.equal("page and API of the fleet", served(rig), 4)
    told = {verb: rig.command(verb) for verb in ("status", "plan", "check")}
    case.equal("commands that fail", [verb for verb in told if told[verb][0]], [])
    case.equal("status names both servers", told["status"][1].count(" up "), 2)
    case.equal("plan", "more cameras fit" in told["plan"][1], True)
    case.equal("check", told["check"][1].count("has what its 4 cameras need"), 2)
    victims, at_s = rig.of_node("south"), time.monotonic()
    os.kill(rig.child_pid("south"), signal.SIGKILL)
    time.sleep(0.5)
    answered(rig, heard, 30, victims)
    case.at_most("daemon killed: no answer", worst_gap_s(heard, victims, at_s), 12.0, "s")
    lost = moves(rig, Cause.LOST)
    victims, at_s = rig.of_node("south"), time.monotonic()
    rig.signal_node("south", signal.SIGKILL)
    time.sleep(1.0)
    answered(rig, heard, 30)
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
            return shown > 0

        rig.wait(running, 30, "the fleet's API")
    finally:
        keeper.send_signal(signal.SIGTERM)
        code = keeper.wait(15)
    assert code == 0, f"vedette fleet run ended with {code}"
    return shown


SHORT = Row("several", "as each by itself", short, {"nodes": ("north", "south"), "cameras": 4})
