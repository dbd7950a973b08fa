"""What an operator may write for a gateway: a file of its own, beside that of a daemon."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from config.errors import Fault, KeyPath
from config.loader import load_as
from config.paths import FilePath
from config.provenance import Provenance
from config.schema import DoorConfig, ListenerConfig, LogConfig, known_version
from config.section import Section
from config.urls import HostPort, ZmqEndpoint, split_host_port, tcp_address


class PublishersConfig(DoorConfig):
    """Where daemons connect to, with `sinks.zeromq.connect`."""

    bind: Annotated[ZmqEndpoint, Field(description="tcp:// or ipc:// endpoint to bind.")] = (
        "tcp://127.0.0.1:5557"
    )


class SubscribersConfig(DoorConfig):
    """Where subscribers connect to, as they would to a daemon."""

    bind: Annotated[ZmqEndpoint, Field(description="tcp:// or ipc:// endpoint to bind.")] = (
        "tcp://127.0.0.1:5556"
    )
    high_water_mark: Annotated[
        int,
        Field(
            ge=1, le=1_000_000, description="Messages kept for one slow subscriber before it loses."
        ),
    ] = 1000


class GatewayHttpConfig(ListenerConfig):
    """Metrics, health, and which grants the gateway has seen."""

    listen: Annotated[HostPort, Field(description="host:port to listen on.")] = "127.0.0.1:9465"


class GatewayConfig(Section):
    """The whole file."""

    version: Annotated[
        int,
        AfterValidator(known_version),
        WithJsonSchema({"const": 1}),
        Field(description="Version of this format."),
    ]
    publishers: PublishersConfig = PublishersConfig()
    subscribers: SubscribersConfig = SubscribersConfig()
    grants: Annotated[
        FilePath | None,
        Field(
            description="File that keeps the newest grant of each camera, so that a new start lets"
            " no older one through. By default `grants.json` in the service's state folder."
        ),
    ] = None
    http: GatewayHttpConfig = GatewayHttpConfig()
    log: LogConfig = LogConfig()


@dataclass(frozen=True, slots=True)
class LoadedGateway:
    """A file without faults."""

    config: GatewayConfig
    path: Path
    source: Provenance = field(repr=False)

    def fault(self, path: KeyPath, message: str) -> Fault:
        """A fault that only others can find."""
        return self.source.fault(path, message)


def load_gateway(path: Path, env: Mapping[str, str] = os.environ) -> LoadedGateway:
    """Read, expand from `env`, validate. Raises ConfigError with every fault, sorted by line."""
    config, source = load_as(GatewayConfig, path, env, breaches=_port_breaches)
    return LoadedGateway(config, path, source)


def _port_breaches(
    _raw: Any, config: GatewayConfig | None, source: Provenance, _context: dict[str, Any]
) -> Iterator[tuple[KeyPath, str]]:
    """Each listener has a port of its own."""
    if config is None:
        return
    taken: dict[int, str] = {}
    places: tuple[tuple[KeyPath, int | None], ...] = (
        (("publishers", "bind"), _port(config.publishers.bind)),
        (("subscribers", "bind"), _port(config.subscribers.bind)),
        (("http", "listen"), split_host_port(config.http.listen)[1]),
    )
    # What the file says comes last: the fault stands where somebody wrote it.
    for path, port in sorted(places, key=lambda place: source.written_by(place[0])):
        if port is None:
            continue
        owner = taken.setdefault(port, ".".join(map(str, path)))
        if owner != ".".join(map(str, path)):
            yield path, f"is the port that {owner} takes"
    if config.publishers.bind == config.subscribers.bind and _port(config.publishers.bind) is None:
        yield ("publishers", "bind"), "is where subscribers.bind is"


def _port(endpoint: str) -> int | None:
    address = tcp_address(endpoint)
    return None if address is None else address[1]
