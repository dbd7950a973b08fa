"""What a new subscriber is told at once: the last status and counts of every camera and the last
heartbeat.
"""

from __future__ import annotations

import math

from sinks.envelope import Permit
from sinks.messages import (
    CountMessage,
    HeartbeatMessage,
    Message,
    StatusMessage,
    count_topic,
    status_topic,
    topic_of,
)

REPEAT_S = 0.2


class LastValues:
    """The newest encoded status, counts and heartbeat per topic, and which of them are due again.

    A message that is sent again reaches every subscriber of its topic, so those that are asked
    for are gathered and go out at most once per `REPEAT_S`, however many clients ask.
    """

    def __init__(self) -> None:
        self._payloads: dict[bytes, bytes] = {}
        self._permits: dict[bytes, Permit] = {}
        self._wanted: set[bytes] = set()
        self._not_before_s = -math.inf

    def remember(
        self, topic: bytes, message: Message, payload: bytes, permit: Permit | None = None
    ) -> None:
        """Call for each message that is sent; detections and events are not kept."""
        if isinstance(message, StatusMessage | CountMessage):
            self._payloads[topic] = payload
            if permit is not None:
                self._permits[topic] = permit
        elif isinstance(message, HeartbeatMessage):
            self._payloads[topic] = payload
            self._forget_all_but(message)

    def subscribed(self, prefix: bytes) -> None:
        """Somebody asks for topics that begin with `prefix`."""
        self._wanted.update(topic for topic in self._payloads if topic.startswith(prefix))

    def due(self, now_s: float) -> list[tuple[bytes, bytes]]:
        """The `(topic, payload)` pairs to send again now, unchanged; none whose permit ended."""
        if not self._wanted or now_s < self._not_before_s:
            return []
        self._not_before_s = now_s + REPEAT_S
        wanted, self._wanted = self._wanted, set()
        return [
            (topic, self._payloads[topic]) for topic in sorted(wanted) if self._may(topic, now_s)
        ]

    def _may(self, topic: bytes, now_s: float) -> bool:
        permit = self._permits.get(topic)
        return permit is None or permit.holds(now_s)

    def _forget_all_but(self, heartbeat: HeartbeatMessage) -> None:
        """A camera that was removed from the configuration must not be heard of for ever."""
        living = {topic_of(heartbeat), *map(status_topic, heartbeat.cameras)}
        living |= set(map(count_topic, heartbeat.cameras))
        for gone in self._payloads.keys() - living:
            del self._payloads[gone]
            self._permits.pop(gone, None)
            self._wanted.discard(gone)
