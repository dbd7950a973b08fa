"""How many more cameras fit, and what would be needed for more: `vedette fleet plan`. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daemon.fleet.placement import RESOURCES, Demand, Room


@dataclass(frozen=True, slots=True)
class Outlook:
    """`typical` is the camera that was counted with: the mean of those that were measured."""

    typical: Demand
    more: int  # such cameras that fit in addition
    by_node: dict[str, int]
    short_of: str  # what runs out first, in words


def outlook(demands: Sequence[Demand], rooms: Sequence[Room], places: Mapping[str, str]) -> Outlook:
    """Of a fleet whose cameras are at `places`."""
    typical = mean(demands)
    used = {room.node: [0.0, 0.0] for room in rooms}
    for demand in demands:
        if (node := places.get(demand.camera)) in used:
            used[node][0] += demand.decode_cores
            used[node][1] += demand.pictures_per_s
    fits = {room.node: _fit(room, typical, used[room.node]) for room in rooms}
    by_node = {node: min(two) for node, two in fits.items()}
    decode, pictures = (sum(two[n] for two in fits.values()) for n in (0, 1))
    return Outlook(
        typical, sum(by_node.values()), by_node, RESOURCES[0 if decode <= pictures else 1]
    )


def servers_for(more: int, typical: Demand, like: Room, has: int) -> int:
    """How many servers like that one are needed in addition, for so many more cameras where `has`
    fit already.
    """
    each = min(_fit(like, typical, [0.0, 0.0]))
    missing = max(0, more - has)
    return 0 if not missing else math.ceil(missing / each) if each else -1


def mean(demands: Sequence[Demand]) -> Demand:
    """A camera like the others."""
    count = max(1, len(demands))
    return Demand(
        "typical",
        1,
        sum(d.decode_cores for d in demands) / count,
        sum(d.pictures_per_s for d in demands) / count,
    )


def _fit(room: Room, typical: Demand, used: Sequence[float]) -> tuple[int, int]:
    return (
        _count(room.decode_cores - used[0], typical.decode_cores),
        _count(room.pictures_per_s - used[1], typical.pictures_per_s),
    )


def _count(free: float, each: float) -> int:
    return int(max(0.0, free) / each + 1e-9) if each > 0 else 1_000_000
