"""Publishing through gateways: the daemon connects to each of them, and never waits for one."""

from __future__ import annotations

import logging
import struct
from contextlib import suppress

import zmq

from config.schema import ConnectConfig
from sinks.crowd import Attendance
from sinks.doorman import HANDSHAKE_S
from sinks.endpoints import needs_ipv6
from sinks.keys import KeyFileError, load_public, load_secret
from sinks.listening import HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS, LINGER_MS
from sinks.sink import SinkError
from sinks.xpub import MAX_INPUT_BYTES, SEND_BUFFER_BYTES

RETRY_MS = 100  # before the second try to connect; doubled up to the next
MOST_RETRY_MS = 1000
CONNECT_MS = 3000  # in which a gateway must take up a connection

_EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_DISCONNECTED
)
_REFUSALS = (zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)

log = logging.getLogger(__name__)


class OutgoingSockets:
    """One socket for each gateway, so that none holds up or fills another's queue. They connect
    in libzmq's own thread, and again whenever the connection is lost. One thread; constructed in
    the starting one. Raises SinkError for keys that cannot be read.
    """

    def __init__(self, config: ConnectConfig, high_water_mark: int) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._lines: list[_Line] = []
        self.endpoint = ""  # nobody can connect to it
        try:
            for number, gateway in enumerate(config.to):
                line = _Line(self._context, number, gateway, high_water_mark)
                self._lines.append(line)
                line.open(config)
        except (KeyFileError, zmq.ZMQError) as error:
            self.close()
            msg = f"{config.to[len(self._lines) - 1]}: {error}"
            raise SinkError(msg) from error

    @property
    def attendance(self) -> Attendance:
        """How many gateways are connected. Any thread."""
        return Attendance("zeromq", sum(line.up for line in self._lines), len(self._lines), {})

    def send(self, topic: bytes, payload: bytes) -> None:
        """Never waits: a gateway that cannot take it loses it. Raises SinkError."""
        for line in self._lines:
            line.send(topic, payload)

    def look(self, limit: int) -> list[bytes]:
        """Topic prefixes that gateways newly subscribed to, which is everything, at most `limit`
        of each.
        """
        return [topic for line in self._lines for topic in line.look(limit)]

    def refresh_clients(self) -> None:
        """Ask those again that refused our key: they may know it by now."""
        for line in self._lines:
            line.retry()

    def close(self) -> None:
        """At most `LINGER_MS`, then what was not sent is lost. May be called again."""
        for line in self._lines:
            line.close()
        self._lines = []
        self._context.term()


class _Line:
    """The socket to one gateway."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], number: int, gateway: str, mark: int
    ) -> None:
        self.up = False
        self._gateway = gateway
        self._mark = mark
        self._news_from = f"inproc://gateway-{number}"
        self._socket = context.socket(zmq.XPUB)
        self._news = context.socket(zmq.PAIR)
        self._refused = False
        self._complained = False

    def open(self, config: ConnectConfig) -> None:
        """Raises KeyFileError."""
        options = {
            zmq.SNDHWM: self._mark,
            zmq.SNDBUF: SEND_BUFFER_BYTES,
            zmq.LINGER: LINGER_MS,
            zmq.IMMEDIATE: 1,  # nothing is kept for a gateway that is away
            zmq.MAXMSGSIZE: MAX_INPUT_BYTES,
            zmq.CONNECT_TIMEOUT: CONNECT_MS,
            zmq.HANDSHAKE_IVL: int(HANDSHAKE_S * 1e3),
            zmq.RECONNECT_IVL: RETRY_MS,
            zmq.RECONNECT_IVL_MAX: MOST_RETRY_MS,
            zmq.IPV6: needs_ipv6(self._gateway),
            zmq.XPUB_VERBOSER: 1,
            zmq.TCP_KEEPALIVE: 1,
            zmq.HEARTBEAT_IVL: HEARTBEAT_MS,
            zmq.HEARTBEAT_TIMEOUT: HEARTBEAT_TIMEOUT_MS,
        }
        for option, value in options.items():
            self._socket.setsockopt(option, value)
        if config.curve is not None:
            public, secret = load_secret(config.curve.secret_key)
            self._socket.curve_publickey, self._socket.curve_secretkey = public, secret
            self._socket.curve_serverkey = load_public(config.curve.server_key)
        self._socket.monitor(self._news_from, _EVENTS)
        self._news.connect(self._news_from)
        self._socket.connect(self._gateway)

    def send(self, topic: bytes, payload: bytes) -> None:
        try:
            self._socket.send_multipart((topic, payload), zmq.NOBLOCK)
        except zmq.ZMQError as error:
            msg = f"{self._gateway}: {error}"
            raise SinkError(msg) from error

    def look(self, limit: int) -> list[bytes]:
        self._hear()
        topics = []
        with suppress(zmq.Again):
            for _ in range(limit):
                request = self._socket.recv(zmq.NOBLOCK)
                if request[:1] == b"\1":
                    topics.append(request[1:])
        return topics

    def retry(self) -> None:
        """libzmq gives up for good where its key was refused."""
        if not self._refused:
            return
        self._refused = False
        with suppress(zmq.ZMQError):  # it may have forgotten the address, or not
            self._socket.disconnect(self._gateway)
        self._socket.connect(self._gateway)

    def close(self) -> None:
        self._socket.disable_monitor()
        self._socket.close(LINGER_MS)
        self._news.close(0)

    def _hear(self) -> None:
        with suppress(zmq.Again):
            while True:
                event = struct.unpack_from("=H", self._news.recv_multipart(zmq.NOBLOCK)[0])[0]
                self._learn(event)

    def _learn(self, event: int) -> None:
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            log.info("gateway connected gateway=%s", self._gateway)
            self.up, self._complained = True, False
        elif event in _REFUSALS:
            if not self._complained:
                log.warning("gateway refuses this daemon's key gateway=%s", self._gateway)
            self._refused = self._complained = True
        elif self.up and event == zmq.EVENT_DISCONNECTED:
            log.warning("gateway lost gateway=%s", self._gateway)
            self.up = False
