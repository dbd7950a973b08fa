"""What shard and Director say to each other, half a second after half a second. Plain values.

A shard asks with a `Report`, the Director answers with `Orders`; neither keeps what the other said
beyond that, so a lost or late one is mended by the next. They travel as MessagePack, in which a
field that one side does not know yet is passed over: servers are upgraded one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """One camera as its daemon counts it, since that daemon's start."""

    state: str  # as in messages
    decode_s: float  # of a processor, for reading and decoding
    pictures: int  # that the detector answered


@dataclass(frozen=True, slots=True)
class Report:
    """What a shard holds and sees. `seen` is the newest reply of the Director `term` that it took
    in, 0 for none of that one.
    """

    shard: str
    boot: str  # of the shard, new at each start
    number: int  # rises by one with each report
    term: str
    seen: int
    held: Mapping[str, int]  # grants by camera
    revision: str = ""  # of the assignment that its daemon has taken up
    ready: bool = False  # its daemon has a warm model
    cores: float = 0.0  # of the server
    pace: float | None = None  # pictures a second that its detector does at best; None: unknown yet
    at_s: float = 0.0  # monotonic time of `cameras`
    cameras: Mapping[str, CameraFacts] = field(default_factory=dict)
    island_s: float = 0.0  # how long it went on without the Director, before this report
    lacks: Mapping[str, str] = field(default_factory=dict)  # cameras it cannot run, and why


@dataclass(frozen=True, slots=True)
class Assignment:
    """The cameras that a daemon has in its configuration, granted or soon to be."""

    revision: str
    common: Mapping[str, Any]  # the sections of the file that are not cameras
    cameras: Mapping[str, Any]  # sections by name
    http: str
    bind: str | None = None
    gpu: int | None = None
    gateways: tuple[str, ...] = ()  # their HTTP listeners, for when the Director is away
    gateway_token: str | None = None  # where their token is kept


@dataclass(frozen=True, slots=True)
class Orders:
    """The answer: what the shard may use for a lease from when it asked."""

    term: str
    reply: int
    lease_s: float
    grants: Mapping[str, int]
    leaving: tuple[str, ...] = ()  # to be let go as soon as what they have to say is said
    assignment: Assignment | None = None  # None: the one that it has
    hurry: bool = False  # ask again soon, something is about to change


_packer = msgspec.msgpack.Encoder()
_reports = msgspec.msgpack.Decoder(Report)
_orders = msgspec.msgpack.Decoder(Orders)


def packed(said: Report | Orders) -> bytes:
    """As it travels."""
    return _packer.encode(said)


def report_of(data: bytes) -> Report:
    """Raises ValueError for what is none."""
    return _reports.decode(data)


def orders_of(data: bytes) -> Orders:
    """Raises ValueError for what are none."""
    return _orders.decode(data)
