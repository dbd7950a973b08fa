"""The listening ZeroMQ socket with every option that matters, and nothing about messages."""

from __future__ import annotations

import errno
import socket as posix
import struct
from contextlib import suppress

import zmq

from config.schema import ZeromqConfig
from sinks.curve import ClientList
from sinks.keys import KeyFileError
from sinks.sink import SinkError

LINGER_MS = 300  # how much of the shutdown a subscriber that still reads may take
SEND_BUFFER_BYTES = 256 * 1024  # the kernel's share, beside the high-water mark
MAX_INPUT_BYTES = 4096  # subscriptions and handshakes are shorter
CONNECTIONS = "inproc://connections"


class XpubSocket:
    """Bound when constructed, which may be in another thread than the one that uses it later.

    XPUB_VERBOSE makes every subscription heard, not only the first of a topic. XPUB_NODROP stays
    off: with it one stalled subscriber would stop the messages of all. Raises SinkError.
    """

    def __init__(self, config: ZeromqConfig) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._clients = ClientList(config.curve, self._context) if config.curve else None
        self._socket = self._context.socket(zmq.XPUB)
        self._connections = self._context.socket(zmq.PAIR)
        self._connected: set[int] = set()
        try:
            self._configure(config)
            self.endpoint = self._bind(config.bind)
        except (SinkError, KeyFileError, zmq.ZMQError) as error:
            self.close()
            msg = f"{config.bind}: {error}"
            raise SinkError(msg) from error

    @property
    def connections(self) -> int:
        """How many were open at the last `look`. Any thread."""
        return len(self._connected)

    def send(self, topic: bytes, payload: bytes) -> None:
        """Never waits: who cannot take it loses it. Raises SinkError."""
        try:
            self._socket.send_multipart((topic, payload), zmq.NOBLOCK)
        except zmq.ZMQError as error:
            msg = f"{self.endpoint}: {error}"
            raise SinkError(msg) from error

    def look(self, limit: int) -> list[bytes]:
        """Topic prefixes that were newly subscribed to, from at most `limit` requests."""
        self._count_connections()
        requests = []
        with suppress(zmq.Again):
            for _ in range(limit):
                requests.append(self._socket.recv(zmq.NOBLOCK))
        return [request[1:] for request in requests if request[:1] == b"\1"]

    def refresh_clients(self) -> None:
        """Take up a changed folder of client keys."""
        if self._clients is not None:
            self._clients.refresh()

    def close(self) -> None:
        """At most `LINGER_MS`, then what was not sent is lost. May be called again."""
        if self._context.closed:
            return
        self._count_connections()
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
            zmq.XPUB_VERBOSE: 1,
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

    def _count_connections(self) -> None:
        with suppress(zmq.Again):
            while True:
                event, descriptor = struct.unpack(
                    "=hi", self._connections.recv_multipart(zmq.NOBLOCK)[0]
                )
                if event == zmq.EVENT_ACCEPTED:
                    self._connected.add(descriptor)
                else:
                    self._connected.discard(descriptor)


def _is_listened_to(path: str) -> bool:
    with posix.socket(posix.AF_UNIX, posix.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(path) == 0
