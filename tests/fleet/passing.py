"""What is done to gateways, and what subscribers to them hear."""

from __future__ import annotations

import signal
import time

from tests.fault.case import Case
from tests.fleet.listener import Listener
from tests.fleet.play import all_moves, answered, worst_gap_s
from tests.fleet.rig import FPS, Rig
from tests.fleet.rows import row
from tests.fleet.servers import node_frozen
from tests.support.example_subscribers import reading


@row(
    "the only gateway is killed and started again, with the head there",
    "subscribers hear nothing meanwhile, and all of it again",
    own_gateways=1,
)
def gateway_killed(rig: Rig, heard: Listener, case: Case) -> None:
    moved = all_moves(rig)
    at_s = time.monotonic()
    rig.gateways[0].stop(signal.SIGKILL)
    time.sleep(2.0)
    rig.gateways[0].start()
    answered(rig, heard, 30)
    case.at_most("without an answer", worst_gap_s(heard, rig.cameras, at_s), 8.0, "s")
    case.equal("cameras that moved", all_moves(rig) - moved, 0)


@row(
    "one of two gateways is killed for 5 s and started again, then the other",
    "a subscriber to both, the example of the docs, loses nothing and is told nothing twice",
    own_gateways=2,
)
def two_gateways(rig: Rig, heard: Listener, case: Case) -> None:
    moved = all_moves(rig)
    with reading("python", ",".join(rig.binds.values())) as lines:
        rig.wait(lambda: len(numbers_of(lines)) == len(rig.cameras), 20, "the example hears all")
        time.sleep(3.0)
        at_s = time.monotonic()
        for gateway in rig.gateways:
            gateway.stop(signal.SIGKILL)
            time.sleep(5.0)
            gateway.start()
            time.sleep(7.0)  # islands and heads aside, it takes a few to be connected to again
        case.at_most("without an answer", worst_gap_s(heard, rig.cameras, at_s), 1.0, "s")
        told = numbers_of(lines)
    count = sum(map(len, told.values()))
    case.at_least("answers that it told", count, 0.9 * 24 * FPS * len(rig.cameras))
    case.equal("told twice", count - sum(len(set(of)) for of in told.values()), 0)
    holes = sum(max(of) - min(of) + 1 - len(set(of)) for of in told.values())
    case.equal("not told", holes, 0)
    case.equal("said to be lost", sum(line.startswith("lost ") for line in lines), 0)
    case.equal("cameras that moved", all_moves(rig) - moved, 0)


def numbers_of(lines: list[str]) -> dict[str, list[int]]:
    """What the example subscriber told of each camera, by number: `cam3 17 nothing`."""
    told: dict[str, list[int]] = {}
    for line in list(lines):
        camera, _, rest = line.partition(" ")
        number = rest.partition(" ")[0]
        if number.isdecimal() and camera != "lost":
            told.setdefault(camera, []).append(int(number))
    return told


@row(
    "a server is frozen for 10 s and goes on, with a gateway",
    "as without one, and subscribers have one address",
    own_gateways=1,
)
def node_frozen_with_gateway(rig: Rig, heard: Listener, case: Case) -> None:
    node_frozen(rig, heard, case)
