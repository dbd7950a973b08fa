"""Messages over ZeroMQ: a slow subscriber loses some, the daemon never waits."""

from __future__ import annotations

import math

from config.schema import ZeromqConfig
from sinks.clock import Clock
from sinks.crowd import Attendance
from sinks.envelope import Envelope, stamped
from sinks.last_value import LastValues
from sinks.listening import MOST_CONNECTIONS
from sinks.messages import Kind, encoder, topic_of
from sinks.outgoing import OutgoingSockets
from sinks.sink import SinkError
from sinks.xpub import XpubSocket

LOOK_S = 0.05  # between two looks for new subscribers
SUBSCRIPTIONS_PER_LOOK = 1000  # so that a flood of them does not hold up the messages
REFRESH_S = 2.0  # between two looks into the folder of client keys


class ZeromqSink:
    """Publishes `[topic, payload]`. `open` runs in the starting thread, the rest in one other."""

    name = "zeromq"
    kinds = frozenset(Kind)

    def __init__(
        self, config: ZeromqConfig, clock: Clock, *, most_connections: int = MOST_CONNECTIONS
    ) -> None:
        self._config = config
        self._most_connections = most_connections
        self._clock = clock
        self._encode = encoder(config.encoding)
        self._socket: XpubSocket | OutgoingSockets | None = None
        self._last_values = LastValues()
        self._next_look_s = -math.inf
        self._next_refresh_s = -math.inf

    @property
    def endpoint(self) -> str:
        """Where it listens, as in `tcp://127.0.0.1:5556`; empty before `open`, and where it is
        gateways that listen.
        """
        socket = self._socket
        return "" if socket is None else socket.endpoint

    @property
    def subscribers(self) -> int:
        """Open connections, whatever they subscribe to, or gateways that are connected. Under CURVE
        one that is being turned away counts for the moment that takes. Any thread.
        """
        return self.attendance.connections

    @property
    def attendance(self) -> Attendance:
        """Who is connected, and who was sent away. Any thread."""
        socket = self._socket
        if socket is None:
            return Attendance("zeromq", 0, self._most_connections, {})
        return socket.attendance

    def open(self) -> None:
        """Bind, or begin to connect. Raises SinkError."""
        config, mark = self._config, self._config.high_water_mark
        if config.connect is not None:
            self._socket = OutgoingSockets(config.connect, mark)
        else:
            self._socket = XpubSocket(config, mark, most=self._most_connections)

    def write(self, envelope: Envelope) -> int:
        """Hand one message to the subscribers' queues; returns its size. Raises SinkError."""
        message = stamped(envelope, wall_ns=self._clock.wall_ns(), now_s=self._clock.now_s())
        topic, payload = topic_of(message), self._encode(message)
        self._last_values.remember(topic, message, payload, envelope.permit)
        self._opened.send(topic, payload)
        return len(topic) + len(payload)

    def idle(self) -> None:
        """Greet new subscribers, count connections, take up new client keys."""
        now_s = self._clock.now_s()
        if now_s < self._next_look_s:
            return
        self._next_look_s = now_s + LOOK_S
        for prefix in self._opened.look(SUBSCRIPTIONS_PER_LOOK):
            self._last_values.subscribed(prefix)
        for topic, payload in self._last_values.due(now_s):
            self._opened.send(topic, payload)
        if now_s >= self._next_refresh_s:
            self._next_refresh_s = now_s + REFRESH_S
            self._opened.refresh_clients()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def _opened(self) -> XpubSocket | OutgoingSockets:
        if self._socket is None:
            raise SinkError("zeromq: not open")
        return self._socket
