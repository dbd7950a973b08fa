"""What a fleet looks like at one moment: for page, API, command line, metrics and discovery.

The Director fills it in, everybody else only reads. Plain values: any thread, any process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class NodeState(StrEnum):
    """How a server, or one accelerator of it, is doing."""

    UP = "up"
    DRAINING = "draining"  # its cameras are leaving, none comes
    DRAINED = "drained"  # it has none any more, and gets none
    LOST = "lost"  # it does not answer; its cameras go elsewhere


class Placement(StrEnum):
    """Where a camera stands between being configured and being answered."""

    RUNNING = "running"  # a node holds its grant
    REDUCED = "reduced"  # the same, at fewer fps than configured: there is not room enough
    MOVING = "moving"  # the old grant runs out, or the new node opens the stream
    PARKED = "parked"  # there is no room for it anywhere
    DISABLED = "disabled"  # by the configuration


class Cause(StrEnum):
    """Why a camera changed its node; the `reason` of `vedette_fleet_movements_total`."""

    START = "start"  # it was placed for the first time
    LOST = "lost"  # its node was
    DRAIN = "drain"
    OVERLOAD = "overload"
    REBALANCE = "rebalance"
    CAPACITY = "capacity"  # parked, or taken back from there
    REMOVED = "removed"  # from the configuration


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class NodeView:
    """One shard. `http` is where its daemon listens, `host:port`: pages of its cameras and its
    metrics come from there. Loads are measured, capacities what placement counts on.
    """

    name: str
    state: NodeState
    since_ns: int  # wall clock of the change to this state
    http: str
    decode_cores: float  # that decoding may take
    decode_cores_used: float
    pictures_per_s: float  # that the detector answers at most
    pictures_per_s_used: float
    reason: str = ""  # of the state, in words


@dataclass(frozen=True, slots=True)
class CameraView:
    """One camera of the fleet's configuration."""

    name: str
    placement: Placement
    since_ns: int
    node: str | None  # that holds the grant, or gets the next one
    grant: int | None  # the newest that was given
    priority: float
    fps: float  # that it is given; 0 where it is parked
    fps_wanted: float  # by the configuration
    decode_cores: float | None = None  # measured; None before
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MovementView:
    """A camera went from one node to another; None stands for nowhere."""

    at_ns: int
    camera: str
    source: str | None
    target: str | None
    grant: int | None
    cause: Cause
    gap_s: float | None = None  # without an answer; None until the first one came


@dataclass(frozen=True, slots=True)
class AlarmView:
    """Something that a person should look at now; `kind` is one of a short list of slugs, as in
    `node_lost`, `camera_parked`, `island`, `grants_rejected`, `gateway_down`.
    """

    kind: str
    severity: Severity
    subject: str  # the node, camera or gateway
    text: str
    since_ns: int


@dataclass(frozen=True, slots=True)
class GatewayView:
    """A gateway that subscribers connect to; `http` is its own listener."""

    name: str
    http: str
    up: bool


@dataclass(frozen=True, slots=True)
class FleetView:
    """All of it. `moves` counts since the Director started; `movements` are the newest, newest
    first, at most a few hundred.
    """

    at_ns: int
    director_since_ns: int | None  # None: the Director does not answer, all below is from before
    nodes: tuple[NodeView, ...] = ()
    cameras: tuple[CameraView, ...] = ()
    movements: tuple[MovementView, ...] = ()
    alarms: tuple[AlarmView, ...] = ()
    gateways: tuple[GatewayView, ...] = ()
    moves: Mapping[Cause, int] = field(default_factory=dict)
