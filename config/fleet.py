"""What an operator writes of a fleet: `fleet:` beside `cameras:`, in a file for all its servers.

The other sections hold for every server; paths in them, and credentials, are each server's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from config.camera import CameraConfig
from config.credentials import CredentialReference
from config.errors import Fault, KeyPath
from config.loader import Loaded, cross_breaches, load_as
from config.paths import FilePath
from config.provenance import Provenance, merge_defaults, value_at
from config.schema import NODE_NAME, CameraName, Config, ListenerConfig
from config.section import Hidden, Section
from config.urls import HostPort, ZmqEndpoint, is_loopback, split_host_port, tcp_address

MOST_CAMERAS = 10_000
GPU_SUFFIX = "-gpu"  # of the names of a server's shards, where it has one for each GPU

NodeName = Annotated[str, Field(pattern=NODE_NAME)]


class NodeConfig(Section):
    """One server."""

    http: Annotated[
        HostPort,
        Field(
            description="Where its daemon listens, as the fleet's page reaches it; with `gpus` the"
            " first one, every further one a port higher."
        ),
    ]
    bind: Annotated[
        ZmqEndpoint | None,
        Field(description="Its own `sinks.zeromq.bind`, where that of the file does not do."),
    ] = None
    labels: Annotated[
        list[NodeName], Field(max_length=32, description="What `pins` may ask for, as in `usb`.")
    ] = Field(default_factory=list)
    decode_cores: Annotated[
        float | None,
        Field(
            gt=0,
            le=1024,
            description="Processor cores that decoding may take; 80 % of its cores by default.",
        ),
    ] = None
    pictures_per_s: Annotated[
        float | None,
        Field(
            gt=0,
            le=1_000_000,
            description="Pictures that its detector answers in a second; measured by default.",
        ),
    ] = None
    gpus: Annotated[
        list[Annotated[int, Field(ge=0, le=63)]],
        Field(max_length=16, description="A daemon for each of these GPUs; one in all if empty."),
    ] = Field(default_factory=list)


class FleetHttpConfig(ListenerConfig):
    """The fleet's own page, API and metrics, where `vedette fleet run` runs."""

    listen: Annotated[HostPort, Field(description="host:port to listen on.")] = "127.0.0.1:9460"


class FleetConfig(Section):
    """The servers, and how they are told apart from dead ones."""

    address: Annotated[
        HostPort, Field(description="Where Ray's head listens, as all servers reach it.")
    ] = "127.0.0.1:6379"
    folder: Annotated[
        FilePath,
        Field(
            description="On every server: configuration and log of its daemon, on the head what"
            " the Director must not forget. It is made if missing."
        ),
    ] = Path("/var/lib/vedette/fleet")
    http: FleetHttpConfig = FleetHttpConfig()
    lease_s: Annotated[
        float,
        Field(
            ge=1,
            le=60,
            description="A server that cannot renew its grants for so long stops publishing; a"
            " quarter longer, and its cameras go elsewhere.",
        ),
    ] = 2.0
    least_fps: Annotated[
        float,
        Field(
            gt=0,
            le=120,
            description="Where room is short, cameras of low priority get fewer frames per second,"
            " down to this; then they are parked.",
        ),
    ] = 1.0
    gateways: Annotated[
        dict[NodeName, HostPort],
        Field(
            max_length=4,
            description="HTTP listeners of the gateways: where the Director is away, servers ask"
            " there whether somebody else has their cameras, and go on if not.",
        ),
    ] = Field(default_factory=dict)
    gateway_token: Annotated[
        CredentialReference | None,
        Field(description="Where the gateways' access token is kept, on every server."),
        Hidden(),
    ] = None
    nodes: Annotated[
        dict[NodeName, NodeConfig],
        Field(min_length=1, max_length=256, description="The servers by name."),
    ]
    pins: Annotated[
        dict[CameraName, list[NodeName]],
        Field(
            description="Cameras that only these servers can reach: names of servers, or labels."
        ),
    ] = Field(default_factory=dict)


class FleetFile(Config):
    """The whole file of a fleet."""

    fleet: FleetConfig
    cameras: Annotated[
        dict[CameraName, CameraConfig],
        Field(min_length=1, max_length=MOST_CAMERAS, description="The cameras by name."),
    ]


class MemberFile(Config):
    """What a shard writes for its daemon, which may be without cameras for a while."""

    cameras: Annotated[
        dict[CameraName, CameraConfig],
        Field(max_length=MOST_CAMERAS, description="The cameras by name."),
    ]


@dataclass(frozen=True, slots=True)
class LoadedFleet:
    """A fleet's file without faults."""

    config: FleetFile
    path: Path
    source: Provenance = field(repr=False)

    def fault(self, path: KeyPath, message: str) -> Fault:
        """A fault that only others can find."""
        return self.source.fault(path, message)


def load_fleet(path: str | Path) -> LoadedFleet:
    """Raises ConfigError with every fault."""
    path = Path(path)
    config, source = load_as(FleetFile, path, raw_of=merge_defaults, breaches=_breaches)
    return LoadedFleet(config, path, source)


def load_member(path: str | Path) -> Loaded:
    """What a shard wrote for its daemon. Raises ConfigError with every fault."""
    path = Path(path)
    config, source = load_as(MemberFile, path, raw_of=merge_defaults, breaches=cross_breaches)
    return Loaded(config, path, source)


def _breaches(
    raw: Any, config: FleetFile | None, source: Provenance, context: dict[str, Any]
) -> Iterator[tuple[KeyPath, str]]:
    yield from cross_breaches(raw, config, source, context)
    if config is not None:
        yield from _open_doors(config)
    cameras = value_at(raw, ("cameras",))
    nodes = value_at(raw, ("fleet", "nodes"))
    pins = value_at(raw, ("fleet", "pins"))
    if not all(isinstance(part, dict) for part in (cameras, nodes, pins)):
        return
    known = {*nodes}
    for node in nodes.values():
        labels = node.get("labels") if isinstance(node, dict) else None
        known |= {label for label in _list(labels) if isinstance(label, str)}
    for camera, wanted in pins.items():
        base: KeyPath = ("fleet", "pins", camera)
        if camera not in cameras:
            yield base, "is no camera of this file"
        for n, name in enumerate(_list(wanted)):
            if isinstance(name, str) and name not in known:
                yield (*base, n), "is neither a server nor a label of one"


def _list(value: object) -> list[object]:
    """What is no list is told elsewhere."""
    return value if isinstance(value, list) else []


def _open_doors(config: FleetFile) -> Iterator[tuple[KeyPath, str]]:
    """What `http` and `sinks.zeromq` ask of their addresses holds for those of the nodes too."""
    http, zeromq = config.http, config.sinks.zeromq
    guarded = http.token or http.allow_anonymous
    closed = zeromq is None or zeromq.curve or zeromq.allow_plaintext
    if http.allow_edit:
        yield ("http", "allow_edit"), "changes a file that the fleet writes anew: edit this one"
    for name, node in config.fleet.nodes.items():
        base: KeyPath = ("fleet", "nodes", name)
        if not guarded and not is_loopback(split_host_port(node.http)[0]):
            yield (
                (*base, "http"),
                "others can reach this address: give http.token, or say http.allow_anonymous: true",
            )
        address = tcp_address(node.bind) if node.bind else None
        if address and not closed and not is_loopback(address[0]):
            way_out = "give sinks.zeromq.curve, or say sinks.zeromq.allow_plaintext: true"
            yield (*base, "bind"), f"others can reach this address: {way_out}"
