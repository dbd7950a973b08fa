"""What is done to servers, their shards and daemons, their clocks and network."""

from __future__ import annotations

import os
import signal
import time

from daemon.fleet.view import Cause, NodeState, Placement
from tests.fault.case import Case
from tests.fleet.listener import Heard, Listener
from tests.fleet.play import all_moves, answered, moves, state, worst_gap_s
from tests.fleet.processes import lives
from tests.fleet.rig import FPS, Rig
from tests.fleet.rows import MANY, row


@row("a daemon is killed (SIGKILL)", "its shard starts it again; no camera moves")
def child_killed(rig: Rig, heard: Listener, case: Case) -> None:
    moved = all_moves(rig)
    victims = rig.of_node("north")
    others = [camera for camera in rig.cameras if camera not in victims]
    at_s = time.monotonic()
    os.kill(rig.child_pid("north"), signal.SIGKILL)
    time.sleep(0.5)
    answered(rig, heard, 30, victims)
    case.at_most("without an answer", worst_gap_s(heard, victims, at_s), 12.0, "s")
    case.at_most("other cameras without an answer", worst_gap_s(heard, others, at_s), 1.0, "s")
    case.equal("cameras that moved", all_moves(rig) - moved, 0)


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


@row(
    "a server is dead (every process of it), 30 cameras",
    "its cameras are answered elsewhere within 6 s",
    **MANY,
)
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
    frozen_ns = time.time_ns()
    time.sleep(1.0)
    answered(rig, heard, 30, victims)
    case.at_most("without an answer", worst_gap_s(heard, victims, at_s), 6.0, "s")
    time.sleep(max(0.0, at_s + 15.0 - time.monotonic()))
    grants = {camera: max(one.grant for one in heard.of(camera)) for camera in victims}
    awake_s = time.monotonic()
    rig.signal_node("north", signal.SIGCONT)
    time.sleep(8.0)
    old = [
        one
        for camera in victims
        for one in heard.of(camera, awake_s)
        if one.grant < grants[camera] and one.captured_ns > frozen_ns
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
    "the network to a server is cut for 15 s (its own network namespace) and mended, 30 cameras",
    "it falls silent before its cameras are answered elsewhere; it joins again and moves nothing",
    apart="north",
    **MANY,
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
    "wall clocks are set: one server's an hour on, one's and the head's an hour back",
    "leases know no wall clock: nothing moves; a drain and a lost server go as ever",
    clocks=True,
)
def clocks_set(rig: Rig, heard: Listener, case: Case) -> None:
    moved = all_moves(rig)
    at_s = time.monotonic()
    for name, ahead_s in (("north", 3600), ("south", -3600), ("head", -3600)):
        rig.set_clock(name, ahead_s)
    time.sleep(10.0)
    case.at_most("without an answer", worst_gap_s(heard, rig.cameras, at_s), 1.0, "s")
    case.equal("cameras that moved", all_moves(rig) - moved, 0)
    ahead_s = (rig.view().at_ns - time.time_ns()) / 1e9
    case.at_most("the head's clock is off the hour by", abs(ahead_s + 3600), 5.0, "s")
    victims, at_s = rig.of_node("north"), time.monotonic()
    rig.reach.drain("north")
    rig.wait(lambda: state(rig, "north") is NodeState.DRAINED, 20, "drained")
    answered(rig, heard, 10, victims)
    case.at_most("drain: without an answer", worst_gap_s(heard, victims, at_s), 1.0, "s")
    victims, at_s = rig.of_node("south"), time.monotonic()
    rig.signal_node("south", signal.SIGKILL)
    time.sleep(1.0)
    answered(rig, heard, 30, victims)
    case.at_most("a dead server: without an answer", worst_gap_s(heard, victims, at_s), 6.0, "s")
    case.equal("answers of an older grant after a newer one", heard.overtaken(), 0)
