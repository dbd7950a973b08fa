"""Whether a vedette already listens where a configuration says, and how it does."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from config.urls import split_host_port

_TIMEOUT_S = 3.0  # one that is loading its model may be slow to answer
_MOST_BYTES = 4_000_000
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here


class _Health(msgspec.Struct):
    status: str


class _Zeromq(msgspec.Struct):
    bind: str


class _Sinks(msgspec.Struct):
    zeromq: _Zeromq | None


class _Config(msgspec.Struct):
    sinks: _Sinks


class _Camera(msgspec.Struct):
    name: str
    state: str
    paused: bool = False


class _Cameras(msgspec.Struct):
    cameras: list[_Camera]


class _Sink(msgspec.Struct):
    name: str
    failing: str = ""


class _Status(msgspec.Struct):
    sinks: list[_Sink] = []


@dataclass(frozen=True, slots=True)
class Details:
    """What it tells those whom it lets in."""

    zeromq_bind: str | None
    cameras: Mapping[str, str]  # states by name
    paused: frozenset[str] = frozenset()  # of them those whose detection somebody has paused
    failing: Mapping[str, str] = field(default_factory=dict)  # by sink, why it cannot send


@dataclass(frozen=True, slots=True)
class Running:
    """A vedette that answers; `details` is None where it asks for an access token."""

    healthy: bool
    details: Details | None


def ask(listen: str) -> Running | None:
    """Ask whoever listens at `host:port`; None unless that is a vedette. Takes seconds at most.

    The access token is not sent: it might be another program that has taken the port.
    """
    host, port = split_host_port(listen)
    connection = http.client.HTTPConnection(_ANY.get(host, host), port, timeout=_TIMEOUT_S)
    try:
        _, health = _get(connection, "/healthz")
        healthy = msgspec.json.decode(health, type=_Health).status == "ok"
        return Running(healthy, _details(connection))
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return None
    finally:
        connection.close()


def _details(connection: http.client.HTTPConnection) -> Details | None:
    status, config = _get(connection, "/api/v1/config")
    if status == http.client.UNAUTHORIZED:
        return None
    zeromq = msgspec.json.decode(config, type=_Config).sinks.zeromq
    _, answer = _get(connection, "/api/v1/cameras")
    cameras = msgspec.json.decode(answer, type=_Cameras).cameras
    _, answer = _get(connection, "/api/v1/status")
    sinks = msgspec.json.decode(answer, type=_Status).sinks
    return Details(
        zeromq_bind=zeromq.bind if zeromq else None,
        cameras={camera.name: camera.state for camera in cameras},
        paused=frozenset(camera.name for camera in cameras if camera.paused),
        failing={sink.name: sink.failing for sink in sinks if sink.failing},
    )


def _get(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read(_MOST_BYTES)
