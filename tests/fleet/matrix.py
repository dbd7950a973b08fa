"""What is done to a fleet, and what is measured: each row with a rig of its own.

A row is a function that is given a rig whose cameras are all answered, and a `Case` for figures.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from daemon.fleet.view import Cause, NodeState, Placement
from tests.fault.case import Case
from tests.fleet.play import Row, answered, moves, state, worst_gap_s
from tests.fleet.processes import lives
from tests.fleet.rig import FPS, Heard, Listener, Rig

ROWS: dict[str, Row] = {}


def row(fault: str, expected: str, **options: Any) -> Callable[[Any], Any]:
    def keep(measure: Callable[[Rig, Listener, Case], None]) -> Any:
        ROWS[measure.__name__.replace("_", "-")] = Row(fault, expected, measure, options)
        return measure

    return keep


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
