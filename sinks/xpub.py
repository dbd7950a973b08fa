"""The listening ZeroMQ socket with every option that matters, and nothing about messages."""

from __future__ import annotations

import errno
import socket as posix
from contextlib import suppress

import zmq

from config.schema import ZeromqConfig
from sinks.curve import ClientList
from sinks.doorman import HANDSHAKE_S, Doorman
from sinks.endpoints import needs_ipv6
from sinks.keys import KeyFileError
from sinks.sink import SinkError

LINGER_MS = 300  # how much of the shutdown a subscriber that still reads may take
SEND_BUFFER_BYTES = 256 * 1024  # the kernel's share, beside the high-water mark
MAX_INPUT_BYTES = 4096  # subscriptions and handshakes are shorter
RECEIVE_BUFFER_BYTES = 16 * 1024  # what a flood of them may have under way before it is seen
WAITING_INPUTS = 64  # subscriptions that libzmq takes ahead
QUEUE = 32  # connections that wait to be accepted
MOST_CONNECTIONS = 256
CONNECTIONS = "inproc://connections"


class XpubSocket:
    """Bound when constructed, which may be in another thread than the one that uses it later.

    XPUB_VERBOSER makes every subscription and its end heard, not only the first and last of a
    topic. XPUB_NODROP stays off: with it one stalled subscriber would stop the messages of all.
    Raises SinkError.
    """

    def __init__(self, config: ZeromqConfig, *, most: int = MOST_CONNECTIONS) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._clients = ClientList(config.curve, self._context) if config.curve else None
        self._socket = self._context.socket(zmq.XPUB)
        self._connections = self._context.socket(zmq.PAIR)
        self.door = Doorman(self._connections, most)
        try:
            self._configure(config)
            self.endpoint = self._bind(config.bind)
        except (SinkError, KeyFileError, zmq.ZMQError) as error:
            self.close()
            msg = f"{config.bind}: {error}"
            raise SinkError(msg) from error
        self.door.start()

    def send(self, topic: bytes, payload: bytes) -> None:
        """Never waits: who cannot take it loses it. Raises SinkError."""
        try:
            self._socket.send_multipart((topic, payload), zmq.NOBLOCK)
        except zmq.ZMQError as error:
            msg = f"{self.endpoint}: {error}"
            raise SinkError(msg) from error

    def look(self, limit: int) -> list[bytes]:
        """Topic prefixes that were newly subscribed to, from at most `limit` requests."""
        topics = []
        with suppress(zmq.Again):
            for _ in range(limit):
                request = self._socket.recv(zmq.NOBLOCK, copy=False)
                kind, topic = request.bytes[:1], request.bytes[1:]
                descriptor = _came_by(request)
                if kind == b"\1":
                    topics.append(topic)
                if descriptor is not None and kind == b"\1":
                    self.door.subscribed(descriptor, topic)
                elif descriptor is not None and kind == b"\0":
                    self.door.unsubscribed(descriptor, topic)
        return topics

    def refresh_clients(self) -> None:
        """Take up a changed folder of client keys."""
        if self._clients is not None:
            self._clients.refresh()

    def close(self) -> None:
        """At most `LINGER_MS`, then what was not sent is lost. May be called again."""
        if self._context.closed:
            return
        self.door.stop()
        self._socket.disable_monitor()
        self._socket.close(LINGER_MS)
        self._connections.close(0)
        if self._clients is not None:
            self._clients.stop()
        self._context.term()

    def _configure(self, config: ZeromqConfig) -> None:
        options = {
            zmq.SNDHWM: config.high_water_mark,
            zmq.SNDBUF: SEND_BUFFER_BYTES,
            zmq.LINGER: LINGER_MS,
            zmq.IMMEDIATE: 1,
            zmq.MAXMSGSIZE: MAX_INPUT_BYTES,
            zmq.RCVBUF: RECEIVE_BUFFER_BYTES,
            zmq.RCVHWM: WAITING_INPUTS,
            zmq.BACKLOG: QUEUE,
            zmq.HANDSHAKE_IVL: int(HANDSHAKE_S * 1e3),
            zmq.IPV6: needs_ipv6(config.bind),
            zmq.XPUB_VERBOSER: 1,
            zmq.TCP_KEEPALIVE: 1,
            zmq.HEARTBEAT_IVL: 2000,
            zmq.HEARTBEAT_TIMEOUT: 6000,
        }
        for option, value in options.items():
            self._socket.setsockopt(option, value)
        # libzmq's I/O thread waits for room in this queue, and nobody reads it before the start.
        self._connections.setsockopt(zmq.RCVHWM, 0)
        self._socket.monitor(CONNECTIONS, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._connections.connect(CONNECTIONS)
        if self._clients is not None:
            self._clients.start(self._socket)

    def _bind(self, endpoint: str) -> str:
        """Returns where it listens, with the port that was taken where `*` was asked for."""
        # libzmq would silently take an ipc: path away from whoever listens there.
        if endpoint.startswith("ipc://") and _is_listened_to(endpoint.removeprefix("ipc://")):
            raise SinkError("in use by another program; stop it, or change sinks.zeromq.bind")
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            if error.errno == errno.EADDRINUSE:
                reason = "in use by another program; stop it, or change sinks.zeromq.bind"
            elif error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL):
                reason = "no network interface of this machine has that address"
            else:
                reason = f"cannot be bound: {zmq.strerror(error.errno or 0)}"
            raise SinkError(reason) from error
        return self._socket.getsockopt_string(zmq.LAST_ENDPOINT)


def _came_by(request: zmq.Frame) -> int | None:
    """The descriptor of its connection; None where that ended."""
    try:
        descriptor: int = request.get(zmq.SRCFD)
    except zmq.ZMQError:
        return None
    return descriptor


def _is_listened_to(path: str) -> bool:
    with posix.socket(posix.AF_UNIX, posix.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(path) == 0
