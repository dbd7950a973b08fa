"""Where subscribers connect to: the listening socket, and what they subscribe to."""

from __future__ import annotations

from contextlib import suppress

import zmq

from config.schema import DoorConfig
from sinks.doorman import Doorman, Tenants
from sinks.listening import MOST_CONNECTIONS, ListeningSocket, came_by
from sinks.sink import SinkError

SEND_BUFFER_BYTES = 256 * 1024  # the kernel's share, beside the high-water mark
MAX_INPUT_BYTES = 4096  # subscriptions and handshakes are shorter
RECEIVE_BUFFER_BYTES = 16 * 1024  # what a flood of them may have under way before it is seen
WAITING_INPUTS = 64  # subscriptions that libzmq takes ahead


class XpubSocket(ListeningSocket):
    """Bound when constructed, which may be in another thread than the one that uses it later.

    XPUB_VERBOSER makes every subscription and its end heard, not only the first and last of a
    topic. XPUB_NODROP stays off: with it one stalled subscriber would stop the messages of all.
    Raises SinkError.
    """

    def __init__(
        self,
        config: DoorConfig,
        high_water_mark: int,
        *,
        most: int = MOST_CONNECTIONS,
        listener: str = "zeromq",
        field: str = "sinks.zeromq.bind",
    ) -> None:
        options = {
            zmq.SNDHWM: high_water_mark,
            zmq.SNDBUF: SEND_BUFFER_BYTES,
            zmq.MAXMSGSIZE: MAX_INPUT_BYTES,
            zmq.RCVBUF: RECEIVE_BUFFER_BYTES,
            zmq.RCVHWM: WAITING_INPUTS,
            zmq.XPUB_VERBOSER: 1,
        }
        door = Doorman(listener, most, Tenants.SUBSCRIBERS)
        super().__init__(config, zmq.XPUB, door, options, field)

    def send(self, topic: bytes, payload: bytes) -> None:
        """Never waits: who cannot take it loses it. Raises SinkError."""
        try:
            self.socket.send_multipart((topic, payload), zmq.NOBLOCK)
        except zmq.ZMQError as error:
            msg = f"{self.endpoint}: {error}"
            raise SinkError(msg) from error

    def look(self, limit: int) -> list[bytes]:
        """Topic prefixes that were newly subscribed to, from at most `limit` requests."""
        topics = []
        with suppress(zmq.Again):
            for _ in range(limit):
                request = self.socket.recv(zmq.NOBLOCK, copy=False)
                kind, topic = request.bytes[:1], request.bytes[1:]
                descriptor = came_by(request)
                if kind == b"\1":
                    topics.append(topic)
                if descriptor is not None and kind == b"\1":
                    self.door.subscribed(descriptor, topic)
                elif descriptor is not None and kind == b"\0":
                    self.door.unsubscribed(descriptor, topic)
        return topics
