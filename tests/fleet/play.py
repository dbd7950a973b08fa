"""One row of the fleet's matrix, from an answered fleet to figures."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from daemon.fleet.view import Cause, NodeState
from tests.fault.case import Case
from tests.fleet.listener import Listener
from tests.fleet.rig import Rig

START_S = 90.0
REST_S = 3.0  # before a fault: rates are steady


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, and what is expected of the fleet."""

    fault: str
    expected: str
    measure: Callable[[Rig, Listener, Case], None]
    options: dict[str, Any]


def play(name: str, played: Row, folder: Path) -> dict[str, Any]:
    """Measure one row, as plain values."""
    folder.mkdir(parents=True)
    case = Case(folder, long=True)
    rig = Rig(folder, **played.options)
    began_s = time.monotonic()
    try:
        rig.start()
        with Listener(list(rig.binds.values())) as heard:
            answered(rig, heard, START_S)
            spread(rig)
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


def spread(rig: Rig) -> None:
    """Every server has cameras: on a busy machine one may have come too late for the first."""

    def each_has_some() -> bool:
        if set(rig.nodes) <= set(rig.placed().values()):
            return True
        rig.reach.rebalance()
        time.sleep(1.0)
        return False

    rig.wait(each_has_some, START_S, "cameras on every server")


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


def all_moves(rig: Rig) -> int:
    return sum(rig.view().moves.values())


def worst_gap_s(heard: Listener, cameras: list[str], since_s: float) -> float:
    return max(heard.gap_s(camera, since_s) for camera in cameras)
