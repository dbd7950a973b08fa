"""A connection to a broker that tests steer by hand."""

from __future__ import annotations

import threading
from collections import deque

from sinks.mqtt.broker import Heard
from sinks.mqtt.manifest import Manifest
from sinks.mqtt.outgoing import Post
from tests.support.fakes import FakeClock


class FakeConnection:
    """Takes everything; confirms where `confirms`; keeps the manifest `before`; breaks where
    `broken` is set.
    """

    def __init__(
        self, clock: FakeClock, *, confirms: bool = True, before: Manifest | None = None
    ) -> None:
        self.heard: deque[Heard] = deque()
        self.confirmed: deque[int] = deque()
        self.sent: list[Post] = []
        self.subscribed: list[str] = []
        self.closed = False
        self.busy = False
        self.broken: Exception | None = None
        self._clock = clock
        self._confirms = confirms
        self._before = before

    def publish(self, post: Post) -> int:
        self._break()
        self.sent.append(post)
        if post.qos and self._confirms:
            self.confirmed.append(len(self.sent))
        return len(self.sent)

    def subscribe(self, topic: str) -> None:
        self.subscribed.append(topic)
        if topic.endswith("/retained") and self._before is not None:
            self.heard.append(Heard(topic, self._before.encoded(), retained=True))

    def turn(self, wait_s: float, wake: int) -> None:
        self._break()
        self._clock.advance(min(wait_s, 0.01))
        threading.Event().wait(0.001)

    def close(self) -> None:
        self.closed = True

    def payloads(self, topic: str) -> list[bytes]:
        """All that was sent to a topic, in order."""
        return [post.payload for post in self.sent if post.topic == topic]

    def _break(self) -> None:
        if self.broken is not None:
            raise self.broken
