"""Which server runs which camera. Pure.

A camera stays where it is unless its server is gone, drained or overloaded. Others go, those of
high priority and then the large ones first, to the server that is the least loaded once it has
them: so a server that is lost takes as few cameras with it as may be. Where no server has room the
cameras of lower priority get fewer frames per second, then are parked, and only then is the camera
itself.

Two resources count: processor cores for decoding, and pictures a second of the detector. Fewer
frames per second save the second alone: a stream is decoded whole, whatever is used of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

DECODE, PICTURES = 0, 1
RESOURCES = ("cores for decoding", "pictures per second of the detector")
_TINY = 1e-9
_NOBODY = 1_000_000  # a priority above all


@dataclass(frozen=True, slots=True)
class Demand:
    """What a camera needs. `least_share` of its pictures is worth having; `nodes` are those that
    can reach it, None for all.
    """

    camera: str
    priority: int
    decode_cores: float
    pictures_per_s: float
    least_share: float = 1.0
    nodes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """What a server has for all its cameras."""

    node: str
    decode_cores: float
    pictures_per_s: float


@dataclass(frozen=True, slots=True)
class Place:
    """A camera's server, and how much of its pictures it gets there."""

    node: str
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Placing:
    """Every camera is in one of the two; of the parked ones the reason."""

    places: dict[str, Place] = field(default_factory=dict)
    parked: dict[str, str] = field(default_factory=dict)


def place(
    demands: Iterable[Demand],
    rooms: Sequence[Room],
    current: Mapping[str, str],
    *,
    loose: Collection[str] = (),
    closed: Collection[str] = (),
) -> Placing:
    """Where each camera goes. `current` is where they are; those in `loose` may be moved, and
    servers in `closed` keep what they have and get no more.
    """
    table = _Table(rooms, closed)
    homeless = []
    for demand in demands:
        node = current.get(demand.camera)
        if node in table.index and demand.camera not in loose and _may(demand, node):
            table.seat(demand, table.index[node])
        else:
            homeless.append(demand)
    short = []
    for demand in sorted(homeless, key=_order):
        node_index = table.best(demand, 1.0)
        if node_index is None:
            short.append(demand)
        else:
            table.seat(demand, node_index)
    for demand in short:
        _squeeze_in(table, demand)
    table.share_out()
    return table.placing()


def loosened(
    demands: Iterable[Demand], rooms: Sequence[Room], current: Mapping[str, str]
) -> frozenset[str]:
    """Cameras that would have to leave, lowest priority first, for no server to be overloaded."""
    table = _Table(rooms)
    for demand in demands:
        if current.get(demand.camera) in table.index:
            table.seat(demand, table.index[current[demand.camera]])
    loose = set()
    for index in range(len(rooms)):
        for demand in sorted(table.seated[index].values(), key=_order, reverse=True):
            if (table.free[index] >= -_TINY).all():
                break
            table.unseat(demand, index)
            loose.add(demand.camera)
    return frozenset(loose)


def balanced(
    demands: Iterable[Demand],
    rooms: Sequence[Room],
    current: Mapping[str, str],
    *,
    most: int = 1000,
) -> dict[str, str]:
    """`current` after at most so many moves, each of which takes load off the fullest server."""
    table = _Table(rooms)
    result = dict(current)
    for demand in demands:
        if current.get(demand.camera) in table.index:
            table.seat(demand, table.index[current[demand.camera]])
    for _ in range(most):
        loads = table.loads()
        source, target = int(loads.argmax()), int(loads.argmin())
        best = None
        for demand in table.seated[source].values():
            if not _may(demand, rooms[target].node):
                continue
            after = max(table.load_with(target, demand, +1), table.load_with(source, demand, -1))
            if after < loads[source] - 0.01 and (best is None or after < best[0]):
                best = (after, demand)
        if best is None:
            break
        table.unseat(best[1], source)
        table.seat(best[1], target)
        result[best[1].camera] = rooms[target].node
    return result


class _Table:
    """The servers with what is free of them; mutable, of one planning."""

    def __init__(self, rooms: Sequence[Room], closed: Collection[str] = ()) -> None:
        self.rooms = rooms
        self.open = np.array([room.node not in closed for room in rooms], bool)
        self.index = {room.node: n for n, room in enumerate(rooms)}
        sizes = [(max(r.decode_cores, _TINY), max(r.pictures_per_s, _TINY)) for r in rooms]
        self.size: npt.NDArray[np.float64] = np.array(sizes, float).reshape(-1, 2)
        self.free = self.size.copy()
        self.seated: list[dict[str, Demand]] = [{} for _ in rooms]
        self.lowest = [_NOBODY] * len(rooms)  # priority of those on each
        self.shares: dict[str, float] = {}
        self.parked: dict[str, str] = {}

    def seat(self, demand: Demand, index: int, share: float = 1.0) -> None:
        self.seated[index][demand.camera] = demand
        self.lowest[index] = min(self.lowest[index], demand.priority)
        self.shares[demand.camera] = share
        self.free[index] -= _need(demand, share)

    def unseat(self, demand: Demand, index: int) -> None:
        del self.seated[index][demand.camera]
        self.free[index] += _need(demand, self.shares.pop(demand.camera))
        if self.lowest[index] == demand.priority:
            left = (other.priority for other in self.seated[index].values())
            self.lowest[index] = min(left, default=_NOBODY)

    def reshare(self, demand: Demand, index: int, share: float) -> None:
        self.unseat(demand, index)
        self.seat(demand, index, share)

    def best(self, demand: Demand, share: float) -> int | None:
        """The least loaded server, with the camera, of those that have room for it."""
        if not self.rooms:
            return None
        left = self.free - _need(demand, share)
        fits = (left >= -_TINY).all(axis=1) & self.open
        if demand.nodes is not None:
            fits &= np.array([room.node in demand.nodes for room in self.rooms])
        if not fits.any():
            return None
        room_left = np.where(fits, (left / self.size).min(axis=1), -np.inf)
        return int(room_left.argmax())

    def loads(self) -> npt.NDArray[np.float64]:
        loads: npt.NDArray[np.float64] = (1 - self.free / self.size).max(axis=1)
        return loads

    def load_with(self, index: int, demand: Demand, sign: int) -> float:
        """The load of a server that had this camera more, or less."""
        free = self.free[index] - sign * _need(demand, 1.0)
        return float((1 - free / self.size[index]).max())

    def share_out(self) -> None:
        """What is free goes to those that got less, highest priority first; servers that have too
        much, because cameras stay, take it from the lowest.
        """
        for index, seated in enumerate(self.seated):
            reduced = [d for d in seated.values() if self.shares[d.camera] < 1.0]
            for demand in sorted(reduced, key=_order):
                spare = max(0.0, self.free[index, PICTURES]) / max(demand.pictures_per_s, _TINY)
                share = min(1.0, self.shares[demand.camera] + spare)
                self.reshare(demand, index, share)
            if self.free[index, PICTURES] < -_TINY:
                _reduce(self, index, seated.values(), -self.free[index, PICTURES])

    def placing(self) -> Placing:
        places = {
            camera: Place(self.rooms[index].node, round(self.shares[camera], 4))
            for index, seated in enumerate(self.seated)
            for camera in seated
        }
        return Placing(places, self.parked)


def _squeeze_in(table: _Table, demand: Demand) -> None:
    """By fewer frames for cameras of lower priority, for itself, or in place of them."""
    indices = [n for n, room in enumerate(table.rooms) if table.open[n] and _may(demand, room.node)]
    if not indices:
        table.parked[demand.camera] = "no server that can reach it is there"
        return
    yielding = [n for n in indices if table.lowest[n] < demand.priority]
    yielding.sort(key=lambda n: (table.lowest[n], -table.free[n].min()))
    for index in yielding:
        lack = _need(demand, 1.0) - table.free[index]
        lower = [d for d in table.seated[index].values() if d.priority < demand.priority]
        if lack[DECODE] <= _TINY and _reducible(table, lower) >= lack[PICTURES] - _TINY:
            _reduce(table, index, lower, lack[PICTURES])
            table.seat(demand, index)
            return
    at_least = table.best(demand, demand.least_share)
    if at_least is not None:
        table.seat(demand, at_least, demand.least_share)
        return
    if not any(_take_place(table, demand, index) for index in yielding):
        table.parked[demand.camera] = _reason(table, demand, indices)


def _take_place(table: _Table, demand: Demand, index: int) -> bool:
    """Park the fewest cameras of lower priority that make room on this server; False, and nothing
    is done, where that is not enough.
    """
    lack = _need(demand, demand.least_share) - table.free[index]
    victims: list[Demand] = []
    lower = [d for d in table.seated[index].values() if d.priority < demand.priority]
    for victim in sorted(lower, key=_order, reverse=True):
        if (lack <= _TINY).all():
            break
        lack = lack - _need(victim, table.shares[victim.camera])
        victims.append(victim)
    if (lack > _TINY).any():
        return False
    for victim in victims:
        table.unseat(victim, index)
        table.parked[victim.camera] = f"{demand.camera} has a higher priority"
    table.seat(demand, index, demand.least_share)
    return True


def _reducible(table: _Table, demands: Iterable[Demand]) -> float:
    """Pictures a second that they could do without."""
    return sum((table.shares[d.camera] - d.least_share) * d.pictures_per_s for d in demands)


def _reduce(table: _Table, index: int, demands: Iterable[Demand], lack: float) -> None:
    """Take so many pictures a second from them, as far as they have them, lowest priority first."""
    for demand in sorted(demands, key=_order, reverse=True):
        if lack <= _TINY:
            return
        share = table.shares[demand.camera]
        taken = min(lack, max(0.0, share - demand.least_share) * demand.pictures_per_s)
        if taken > _TINY:
            table.reshare(demand, index, share - taken / demand.pictures_per_s)
            lack -= taken


def _reason(table: _Table, demand: Demand, indices: list[int]) -> str:
    need = _need(demand, demand.least_share)
    most = table.free[indices].max(axis=0)
    short = next((n for n in (DECODE, PICTURES) if need[n] > most[n] + _TINY), DECODE)
    left = max(0.0, float(most[short]))
    return f"no server has {need[short]:.2f} {RESOURCES[short]} left, at most {left:.2f}"


def _need(demand: Demand, share: float) -> npt.NDArray[np.float64]:
    return np.array((demand.decode_cores, demand.pictures_per_s * share))


def _may(demand: Demand, node: str | None) -> bool:
    return demand.nodes is None or node in demand.nodes


def _order(demand: Demand) -> tuple[int, float, str]:
    """Who is served first: high priority, then large, so that small ones fill what is left."""
    return (-demand.priority, -demand.decode_cores, demand.camera)
