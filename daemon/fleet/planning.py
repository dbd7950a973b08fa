"""What placement is asked about: who needs what, who has room, who has had too much. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from daemon.fleet.costs import Costs
from daemon.fleet.members import Member
from daemon.fleet.placement import Demand, Room, loosened
from daemon.fleet.tracks import Track

OVERLOAD_S = 30.0  # that lasts so long moves cameras


def demands_of(
    tracks: Iterable[Track], members: Mapping[str, Member], costs: Costs, least_fps: float
) -> list[Demand]:
    """Of every camera that is switched on."""
    barred: defaultdict[str, set[str]] = defaultdict(set)  # shards by camera
    for name, member in members.items():
        for camera in member.barred:
            barred[camera].add(name)
    return [
        track.demand(costs, least_fps, _reach(track, members, barred.get(track.setup.name)))
        for track in tracks
        if track.setup.enabled
    ]


def rooms_of(members: Iterable[Member]) -> list[Room]:
    """Of those that cameras may come to."""
    return [member.room() for member in members if member.usable]


def places_of(tracks: Mapping[str, Track]) -> dict[str, str]:
    """Where cameras are, or are about to be."""
    return {c: track.target for c, track in tracks.items() if track.target is not None}


def overloaded(
    demands: Iterable[Demand],
    members: Mapping[str, Member],
    places: Mapping[str, str],
    now_s: float,
) -> frozenset[str]:
    """Cameras that should leave servers which have had too much for long; notes since when."""
    loose = loosened(demands, rooms_of(members.values()), places)
    nodes = {places[camera] for camera in loose}
    for name, member in members.items():
        if name not in nodes:
            member.overloaded_s = None
        elif member.overloaded_s is None:
            member.overloaded_s = now_s
    return frozenset(
        camera
        for camera in loose
        if now_s - (members[places[camera]].overloaded_s or now_s) >= OVERLOAD_S
    )


def _reach(
    track: Track, members: Mapping[str, Member], barred: set[str] | None
) -> frozenset[str] | None:
    """Shards that can run it, None for all."""
    if not barred:
        return track.setup.shards
    return (track.setup.shards or frozenset(members)) - barred
