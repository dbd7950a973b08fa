"""Where daemons publish to: a gateway's other listening socket."""

from __future__ import annotations

from contextlib import suppress

import zmq

from config.schema import DoorConfig
from sinks.doorman import Doorman, Tenants
from sinks.listening import MOST_CONNECTIONS, ListeningSocket, came_by

MAX_MESSAGE_BYTES = 1024 * 1024  # 1000 detections with all their fields take a quarter of it
RECEIVE_BUFFER_BYTES = 256 * 1024
WAITING = 1000  # messages of one publisher that wait here; then it waits, and drops for itself
PARTS = 2


class XsubSocket(ListeningSocket):
    """Asks every publisher for everything, whatever subscribers want: who fences has to see all.

    Bound when constructed. Raises SinkError.
    """

    def __init__(
        self,
        config: DoorConfig,
        *,
        most: int = MOST_CONNECTIONS,
        listener: str = "publishers",
        field: str = "publishers.bind",
    ) -> None:
        options = {
            zmq.RCVHWM: WAITING,
            zmq.RCVBUF: RECEIVE_BUFFER_BYTES,
            zmq.MAXMSGSIZE: MAX_MESSAGE_BYTES,
        }
        door = Doorman(listener, most, Tenants.PUBLISHERS)
        super().__init__(config, zmq.XSUB, door, options, field)
        self.socket.send(b"\1")

    def receive(self, limit: int) -> list[tuple[bytes, bytes]]:
        """At most `limit` messages that wait, as `(topic, payload)`; what has not these two parts
        comes with an empty payload.
        """
        messages = []
        with suppress(zmq.Again):
            for _ in range(limit):
                frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
                descriptor = came_by(frames[0])
                if descriptor is not None:
                    self.door.spoke(descriptor)
                whole = len(frames) == PARTS
                messages.append((frames[0].bytes, frames[1].bytes if whole else b""))
        return messages
