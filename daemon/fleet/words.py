"""What `vedette fleet status` and `plan` print. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from daemon.fleet.capacity import outlook, servers_for
from daemon.fleet.placement import Demand, Room
from daemon.fleet.view import FleetView

_SHOWN_MOVES = 5


def status_lines(view: FleetView) -> Iterator[str]:
    """Servers, cameras by server, the newest movements, and what needs a person."""
    running: dict[str | None, list[str]] = {}
    for camera in view.cameras:
        mark = "" if camera.placement == "running" else f"({camera.placement})"
        running.setdefault(camera.node, []).append(camera.name + mark)
    for node in view.nodes:
        names = running.pop(node.name, [])
        yield (
            f"{node.name:<16} {node.state:<9} {len(names):>4} cameras"
            f"  decode {node.decode_cores_used:.2f}/{node.decode_cores:.2f} cores"
            f"  detector {node.pictures_per_s_used:.0f}/{node.pictures_per_s:.0f} pictures/s"
            f"{'  ' + node.reason if node.reason else ''}"
        )
        if names:
            yield f"  {' '.join(names)}"
    for node_name, names in running.items():
        yield f"{node_name or 'nowhere':<16} {' '.join(names)}"
    for movement in list(view.movements)[:_SHOWN_MOVES]:
        gap = "" if movement.gap_s is None else f", {movement.gap_s:.1f} s without an answer"
        source, target = movement.source or "nowhere", movement.target or "nowhere"
        yield f"moved {movement.camera}: {source} -> {target} ({movement.cause}{gap})"
    for alarm in view.alarms:
        yield f"{alarm.severity}: {alarm.text}"


def plan_lines(
    demands: Sequence[Demand],
    rooms: Sequence[Room],
    places: Mapping[str, str],
    wanted: int | None,
) -> Iterator[str]:
    """How many more cameras fit, and what `wanted` more would need."""
    if not rooms:
        yield "no server is ready: nothing to plan with"
        return
    seen = outlook(demands, rooms, places)
    typical = seen.typical
    yield (
        f"{len(demands)} cameras, {len(places)} placed; a typical one takes"
        f" {typical.decode_cores:.3f} cores and {typical.pictures_per_s:.1f} pictures/s"
    )
    for node, more in seen.by_node.items():
        yield f"{node:<16} {more} more"
    yield f"{seen.more} more cameras fit; short first: {seen.short_of}"
    if wanted is None:
        return
    like = max(rooms, key=lambda room: (room.decode_cores, room.pictures_per_s))
    servers = servers_for(wanted, typical, like, seen.more)
    if servers < 0:
        yield f"not even one such camera fits on a server like {like.node}"
    elif servers == 0:
        yield f"{wanted} more need no further server"
    else:
        noun = "server" if servers == 1 else "servers"
        yield f"{wanted} more need {servers} further {noun} like {like.node}"
