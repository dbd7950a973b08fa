"""A fleet of three servers as the Director would show it; tests change what they are about."""

from __future__ import annotations

from daemon.fleet.view import (
    CameraView,
    Cause,
    FleetView,
    GatewayView,
    MovementView,
    NodeState,
    NodeView,
    Placement,
)

NOW_NS = 1_795_000_000_000_000_000


def node(name: str, http: str = "127.0.0.1:1", **fields: object) -> NodeView:
    known: dict[str, object] = {
        "state": NodeState.UP,
        "since_ns": NOW_NS,
        "decode_cores": 8.0,
        "decode_cores_used": 3.2,
        "pictures_per_s": 120.0,
        "pictures_per_s_used": 61.0,
    }
    return NodeView(name=name, http=http, **{**known, **fields})  # type: ignore[arg-type]


def camera(name: str, on: str | None = "alder", **fields: object) -> CameraView:
    known: dict[str, object] = {
        "placement": Placement.RUNNING,
        "since_ns": NOW_NS,
        "grant": 7,
        "priority": 1,
        "fps": 5.0,
        "fps_wanted": 5.0,
    }
    return CameraView(name=name, node=on, **{**known, **fields})  # type: ignore[arg-type]


def movement(name: str, source: str | None, target: str | None, **fields: object) -> MovementView:
    known: dict[str, object] = {"at_ns": NOW_NS, "grant": 7, "cause": Cause.LOST, "gap_s": 4.2}
    return MovementView(camera=name, source=source, target=target, **{**known, **fields})  # type: ignore[arg-type]


def fleet(*nodes: NodeView, **fields: object) -> FleetView:
    known: dict[str, object] = {
        "nodes": nodes or (node("alder"), node("birch"), node("cedar")),
        "cameras": (camera("gate"), camera("yard", "birch"), camera("dock", "cedar")),
        "gateways": (GatewayView("one", "127.0.0.1:9465", up=True),),
        "moves": {Cause.START: 3},
    }
    return FleetView(at_ns=NOW_NS, director_since_ns=NOW_NS, **{**known, **fields})  # type: ignore[arg-type]
