"""What `vedette fleet status` prints."""

from daemon.fleet.view import (
    AlarmView,
    CameraView,
    Cause,
    FleetView,
    MovementView,
    NodeState,
    NodeView,
    Placement,
    Severity,
)
from daemon.fleet.words import plan_lines, status_lines

LOAD = "  decode {:.2f}/4.00 cores  detector {}/100 pictures/s"
NORTH = NodeView("north", NodeState.UP, 1, "north:9464", 4.0, 1.25, 100.0, 30.0)
SOUTH = NodeView("south", NodeState.LOST, 1, "s:9464", 4.0, 0.0, 100.0, 0.0, "does not report")


def camera(name: str, node: str | None, placement: Placement) -> CameraView:
    return CameraView(name, placement, 1, node, 7, 1, 5.0, 5.0)


def test_status_names_servers_with_their_cameras_and_what_needs_a_person() -> None:
    view = FleetView(
        1,
        1,
        (NORTH, SOUTH),
        (camera("gate", "north", Placement.RUNNING), camera("yard", None, Placement.PARKED)),
        (MovementView(1, "gate", "south", "north", 7, Cause.LOST, 3.4),),
        (AlarmView("node_lost", Severity.CRITICAL, "south", "south does not report", 1),),
    )
    assert list(status_lines(view)) == [
        f"{'north':<16} up           1 cameras{LOAD.format(1.25, 30)}",
        "  gate",
        f"{'south':<16} lost         0 cameras{LOAD.format(0, 0)}  does not report",
        "nowhere          yard(parked)",
        "moved gate: south -> north (lost, 3.4 s without an answer)",
        "critical: south does not report",
    ]


def test_a_plan_without_servers_says_so() -> None:
    assert list(plan_lines([], [], {}, None)) == ["no server is ready: nothing to plan with"]
