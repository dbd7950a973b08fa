"""The Director's state as the plain values that others are shown. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from daemon.clock import Clock
from daemon.fleet.director import Director
from daemon.fleet.members import Member
from daemon.fleet.view import (
    AlarmView,
    CameraView,
    FleetView,
    NodeState,
    NodeView,
    Placement,
    Severity,
)


def picture(director: Director, clock: Clock) -> FleetView:
    """All of it, at this moment."""
    return FleetView(
        at_ns=clock.wall_ns(),
        director_since_ns=director.since_ns,
        nodes=tuple(_node(director, member) for member in director.members.values()),
        cameras=tuple(_camera(director, name) for name in director.tracks),
        movements=tuple(director.movements),
        alarms=tuple(_alarms(director, clock)),
        moves=dict(director.movements.counts),
    )


def _node(director: Director, member: Member) -> NodeView:
    room = member.room()
    cores = pictures = 0.0
    for camera in director.book.of(member.setup.name):
        cost = director.costs.measured(camera)
        if cost is not None:
            cores += cost.decode_cores
            pictures += cost.pictures_per_s
    return NodeView(
        member.setup.name,
        member.state,
        member.since_ns,
        member.setup.http,
        round(room.decode_cores, 3),
        round(cores, 3),
        round(room.pictures_per_s, 1),
        round(pictures, 1),
        member.reason or ("" if member.ready else "its daemon starts"),
    )


def _camera(director: Director, name: str) -> CameraView:
    track, cost = director.tracks[name], director.costs.measured(name)
    held = director.book.holder(name)
    parked = track.placement in (Placement.PARKED, Placement.DISABLED)
    return CameraView(
        name,
        track.placement,
        track.since_ns,
        held.shard if held is not None else track.target,
        director.book.number(name),
        track.setup.priority,
        0.0 if parked else round(track.setup.fps * track.share, 2),
        track.setup.fps,
        None if cost is None else round(cost.decode_cores, 4),
        track.reason,
    )


def _alarms(director: Director, clock: Clock) -> Iterator[AlarmView]:
    for member in director.members.values():
        name = member.setup.name
        if member.state is NodeState.LOST:
            yield AlarmView(
                "node_lost", Severity.CRITICAL, name, f"{name} {member.reason}", member.since_ns
            )
        for camera, why in member.lacks.items():
            if camera in member.barred:
                yield AlarmView(
                    "credential_missing",
                    Severity.WARNING,
                    name,
                    f"{name} cannot run {camera}: {why}",
                    clock.wall_ns(),
                )
    for name, track in director.tracks.items():
        if track.placement is Placement.PARKED:
            text = f"{name} is not watched: {track.reason}"
            yield AlarmView("camera_parked", Severity.CRITICAL, name, text, track.since_ns)
        elif track.placement is Placement.REDUCED:
            text = f"{name} gets {track.setup.fps * track.share:.1f} of {track.setup.fps:g} fps"
            yield AlarmView("camera_reduced", Severity.WARNING, name, text, track.since_ns)
