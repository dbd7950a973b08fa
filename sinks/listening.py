"""A ZeroMQ socket that others connect to: keys, bounds, who is there; nothing about messages."""

from __future__ import annotations

import errno
import socket as posix
from collections.abc import Mapping

import zmq

from config.schema import DoorConfig
from sinks.crowd import Attendance
from sinks.curve import ClientList
from sinks.doorman import HANDSHAKE_S, Doorman
from sinks.endpoints import needs_ipv6
from sinks.keys import KeyFileError
from sinks.sink import SinkError

LINGER_MS = 300  # how much of the shutdown a subscriber that still reads may take
QUEUE = 32  # connections that wait to be accepted
MOST_CONNECTIONS = 256
CONNECTIONS = "inproc://connections"
HEARTBEAT_MS = 2000
HEARTBEAT_TIMEOUT_MS = 6000

Options = Mapping[zmq.SocketOption, int]


class ListeningSocket:
    """Bound when constructed, which may be in another thread than the one that uses it later.

    `field` is what of the configuration says where it listens. Raises SinkError.
    """

    def __init__(
        self, config: DoorConfig, kind: int, door: Doorman, options: Options, field: str
    ) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._clients = ClientList(config.curve, self._context) if config.curve else None
        self.socket = self._context.socket(kind)
        self._connections = self._context.socket(zmq.PAIR)
        self._field = field
        self.door = door
        try:
            self._configure(config.bind, options)
            self.endpoint = self._bind(config.bind)
        except (SinkError, KeyFileError, zmq.ZMQError) as error:
            self.close()
            msg = f"{config.bind}: {error}"
            raise SinkError(msg) from error
        self.door.start(self._connections)

    @property
    def attendance(self) -> Attendance:
        """Who is connected, and who was sent away. Any thread."""
        return self.door.attendance

    def refresh_clients(self) -> None:
        """Take up a changed folder of client keys."""
        if self._clients is not None:
            self._clients.refresh()

    def close(self) -> None:
        """At most `LINGER_MS`, then what was not sent is lost. May be called again."""
        if self._context.closed:
            return
        self.door.stop()
        self.socket.disable_monitor()
        self.socket.close(LINGER_MS)
        self._connections.close(0)
        if self._clients is not None:
            self._clients.stop()
        self._context.term()

    def _configure(self, bind: str, more: Options) -> None:
        options = {
            zmq.LINGER: LINGER_MS,
            zmq.IMMEDIATE: 1,
            zmq.BACKLOG: QUEUE,
            zmq.HANDSHAKE_IVL: int(HANDSHAKE_S * 1e3),
            zmq.IPV6: needs_ipv6(bind),
            zmq.TCP_KEEPALIVE: 1,
            zmq.HEARTBEAT_IVL: HEARTBEAT_MS,
            zmq.HEARTBEAT_TIMEOUT: HEARTBEAT_TIMEOUT_MS,
            **more,
        }
        for option, value in options.items():
            self.socket.setsockopt(option, value)
        # libzmq's I/O thread waits for room in this queue, and nobody reads it before the start.
        self._connections.setsockopt(zmq.RCVHWM, 0)
        self.socket.monitor(CONNECTIONS, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._connections.connect(CONNECTIONS)
        if self._clients is not None:
            self._clients.start(self.socket)

    def _bind(self, endpoint: str) -> str:
        """Returns where it listens, with the port that was taken where `*` was asked for."""
        taken = f"in use by another program; stop it, or change {self._field}"
        # libzmq would silently take an ipc: path away from whoever listens there.
        if endpoint.startswith("ipc://") and _is_listened_to(endpoint.removeprefix("ipc://")):
            raise SinkError(taken)
        try:
            self.socket.bind(endpoint)
        except zmq.ZMQError as error:
            if error.errno == errno.EADDRINUSE:
                reason = taken
            elif error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL):
                reason = "no network interface of this machine has that address"
            else:
                reason = f"cannot be bound: {zmq.strerror(error.errno or 0)}"
            raise SinkError(reason) from error
        return self.socket.getsockopt_string(zmq.LAST_ENDPOINT)


def came_by(frame: zmq.Frame) -> int | None:
    """The descriptor of the connection that a frame came by; None where that ended."""
    try:
        descriptor: int = frame.get(zmq.SRCFD)
    except zmq.ZMQError:
        return None
    return descriptor


def _is_listened_to(path: str) -> bool:
    with posix.socket(posix.AF_UNIX, posix.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(path) == 0
