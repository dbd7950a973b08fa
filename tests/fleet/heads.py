"""What is done to the head and to the Director."""

from __future__ import annotations

import signal
import time

from daemon.fleet.view import NodeState
from tests.fault.case import Case
from tests.fleet.listener import Listener
from tests.fleet.play import answered, state, worst_gap_s
from tests.fleet.processes import lives
from tests.fleet.rig import Rig
from tests.fleet.rows import row


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
    own_gateways=1,
)
def head_killed_with_gateway(rig: Rig, heard: Listener, case: Case) -> None:
    island(rig, heard, case, 6.0)


@row(
    "the head's GCS and the Director are killed for 75 s, with a gateway",
    "as for 6 s: longer than Ray waits for a head where nobody told it to",
    own_gateways=1,
)
def head_away_long(rig: Rig, heard: Listener, case: Case) -> None:
    island(rig, heard, case, 75.0)
    victims, at_s = rig.of_node("north"), time.monotonic()
    rig.signal_node("north", signal.SIGKILL)
    time.sleep(1.0)
    answered(rig, heard, 30, victims)
    gap_s = worst_gap_s(heard, victims, at_s)
    case.at_most("a server that dies after that: without an answer", gap_s, 6.0, "s")


def island(rig: Rig, heard: Listener, case: Case, away_s: float) -> None:
    """The head away for so long, and back."""
    before = rig.placed()
    director = rig.director_pid()
    at_s = time.monotonic()
    rig.kill_head(director)
    time.sleep(away_s)
    case.at_most("without an answer", worst_gap_s(heard, rig.cameras, at_s), 1.0, "s")
    back_s = time.monotonic()
    rig.start_head()
    rig.wait(lambda: len(rig.placed()) == len(rig.cameras), 60, "a Director")
    rig.wait(lambda: before.items() <= rig.placed().items(), 30, "it knows who has what")
    case.note("the Director knows everything again after", time.monotonic() - back_s, "s")
    time.sleep(5.0)
    case.at_most("and after it came back", worst_gap_s(heard, rig.cameras, at_s), 1.0, "s")
    case.equal("cameras elsewhere than before", len(before.items() - rig.placed().items()), 0)
    up = [state(rig, name) for name in rig.nodes]
    case.equal("servers that it does not have again", len(up) - up.count(NodeState.UP), 0)


@row(
    "the head is lost with its disk, a new one has its address and an empty store",
    "servers of the old cluster end and are started by their unit; numbers of grants go on rising",
    units=True,
)
def store_lost(rig: Rig, heard: Listener, case: Case) -> None:
    new_head(rig, heard, case)


@row(
    "the head is lost with its disk, a new one has its address and an empty store; with a gateway",
    "as without one, and cameras are answered until their server ends",
    own_gateways=1,
    units=True,
)
def store_lost_with_gateway(rig: Rig, heard: Listener, case: Case) -> None:
    new_head(rig, heard, case)


def new_head(rig: Rig, heard: Listener, case: Case) -> None:
    grants = {camera: max(one.grant for one in heard.of(camera)) for camera in rig.cameras}
    old = {name: (rig.tree(name), rig.child_pid(name)) for name in rig.nodes}
    at_s = time.monotonic()
    rig.lose_head()
    time.sleep(6.0)
    late = [one for one in list(heard.heard) if at_s + 3.0 < one.at_s]
    if rig.gateways:
        gap_s = worst_gap_s(heard, rig.cameras, at_s)
        case.at_most("without an answer while there is no head", gap_s, 1.0, "s")
    else:
        case.equal("answers later than 3 s after its end", len(late), 0)
    back_s = rig.replace_head()
    alive = [process for tree, _ in old.values() for process in tree]
    rig.wait(lambda: not any(lives(one.pid) for one in alive), 60, "the old ones end")
    case.at_most("the servers of before lived on", time.monotonic() - back_s, 20.0, "s")
    daemons = sum(lives(child) for _, child in old.values())
    case.equal("their daemons that live on", daemons, 0)
    answered(rig, heard, 90)
    case.note("answered again after the new head was up", time.monotonic() - back_s, "s")
    lower = [c for c in rig.cameras if max(one.grant for one in heard.of(c)) <= grants[c]]
    case.equal("cameras whose grant is no higher than before", len(lower), 0)
    case.equal("answers of an older grant after a newer one", heard.overtaken(), 0)
