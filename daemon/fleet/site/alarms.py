"""What a person should look at now, as far as the view itself tells it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from daemon.fleet.view import (
    AlarmView,
    FleetView,
    NodeState,
    Placement,
    Severity,
)


def alarms(view: FleetView) -> tuple[AlarmView, ...]:
    """Those that the Director gives, and what it left out; critical ones first, then the newest."""
    known = {(alarm.kind, alarm.subject) for alarm in view.alarms}
    derived = [alarm for alarm in _derived(view) if (alarm.kind, alarm.subject) not in known]
    rank = {Severity.CRITICAL: 0, Severity.WARNING: 1}
    together = [*view.alarms, *derived]
    return tuple(sorted(together, key=lambda alarm: (rank[alarm.severity], -alarm.since_ns)))


def _derived(view: FleetView) -> Iterator[AlarmView]:
    if view.director_since_ns is None:
        text = "The Director does not answer: servers go on as they are, nothing is moved."
        yield AlarmView("no_director", Severity.CRITICAL, "director", text, view.at_ns)
    for node in view.nodes:
        if node.state is NodeState.LOST:
            text = f"Server {node.name} is lost{_because(node.reason)}."
            yield AlarmView("node_lost", Severity.CRITICAL, node.name, text, node.since_ns)
    for camera in view.cameras:
        if camera.placement is Placement.PARKED:
            text = f"Camera {camera.name} is parked{_because(camera.reason)}."
            yield AlarmView("camera_parked", Severity.CRITICAL, camera.name, text, camera.since_ns)
        elif camera.placement is Placement.REDUCED:
            text = f"Camera {camera.name} gets {camera.fps:g} of {camera.fps_wanted:g} fps."
            yield AlarmView("camera_reduced", Severity.WARNING, camera.name, text, camera.since_ns)
    for gateway in view.gateways:
        if not gateway.up:
            text = f"Gateway {gateway.name} does not answer."
            yield AlarmView("gateway_down", Severity.CRITICAL, gateway.name, text, view.at_ns)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
