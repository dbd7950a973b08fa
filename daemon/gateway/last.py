"""What a new subscriber of a gateway is told at once: the last status and counts of every camera
and the last heartbeat of every node. Pure, and told the time.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from daemon.gateway.heads import Head
from sinks.messages import Kind

REPEAT_S = 0.2
SILENT_S = 10.0  # without a heartbeat, after which nothing of a node is told to newcomers any more
MOST_BYTES = 64 * 1024 * 1024
MOST_NODES = 1000

_KEPT = frozenset({"status", Kind.COUNT.value, "hb"})


@dataclass(frozen=True, slots=True)
class _Value:
    payload: bytes
    head: Head


class LastOfAll:
    """The newest message of each topic that is kept, as long as its node is heard of.

    A message that is sent again reaches every subscriber of its topic, so those that are asked for
    are gathered and go out at most once per `REPEAT_S`, however many clients ask.
    """

    def __init__(self, newest: Callable[[str], int], *, most_bytes: int = MOST_BYTES) -> None:
        """`newest` is the highest grant that was seen of a camera."""
        self._newest = newest
        self._most_bytes = most_bytes
        self._bytes = 0
        self._values: dict[bytes, _Value] = {}
        self._topics: defaultdict[str, set[bytes]] = defaultdict(set)  # by node
        self._heard_s: dict[str, float] = {}  # when each node's newest heartbeat came
        self._wanted: set[bytes] = set()
        self._not_before_s = -math.inf

    def remember(self, topic: bytes, payload: bytes, head: Head, now_s: float) -> None:
        """Call for each message that is let through. Beyond `most_bytes` nothing new is kept."""
        if head.kind not in _KEPT or not self._knows(head.node, now_s):
            return
        if head.camera is None:
            self._heard_s[head.node] = now_s
            self._forget_gone(head)
        self._drop(topic)
        if self._bytes + len(payload) <= self._most_bytes:
            self._values[topic] = _Value(payload, head)
            self._topics[head.node].add(topic)
            self._bytes += len(payload)

    def subscribed(self, prefix: bytes) -> None:
        """Somebody asks for topics that begin with `prefix`."""
        self._wanted.update(topic for topic in self._values if topic.startswith(prefix))

    def due(self, now_s: float) -> list[tuple[bytes, bytes]]:
        """The `(topic, payload)` pairs to send again now, unchanged."""
        if not self._wanted or now_s < self._not_before_s:
            return []
        self._not_before_s = now_s + REPEAT_S
        wanted, self._wanted = self._wanted & self._values.keys(), set()
        values = [(topic, self._values[topic]) for topic in sorted(wanted)]
        return [(topic, value.payload) for topic, value in values if self._holds(value.head)]

    def tidy(self, now_s: float) -> None:
        """Forget nodes that fell silent. Call now and then."""
        for node in [node for node, at_s in self._heard_s.items() if now_s - at_s > SILENT_S]:
            for topic in self._topics[node].copy():
                self._drop(topic)
            del self._heard_s[node], self._topics[node]

    def nodes(self) -> frozenset[str]:
        """Whose heartbeats come. Any thread."""
        return frozenset(self._heard_s.copy())

    def __len__(self) -> int:
        return len(self._values)

    def _knows(self, node: str, now_s: float) -> bool:
        """Whether there is room for what it says."""
        if node not in self._heard_s and len(self._heard_s) >= MOST_NODES:
            return False
        self._heard_s.setdefault(node, now_s)
        return True

    def _holds(self, head: Head) -> bool:
        """Whether nobody has spoken for its camera with a newer grant since."""
        return head.camera is None or head.grant >= self._newest(head.camera)

    def _forget_gone(self, heartbeat: Head) -> None:
        """What the node said of cameras that it no longer speaks for, and nobody else does yet."""
        for topic in self._topics[heartbeat.node].copy():
            camera = self._values[topic].head.camera
            if camera is not None and camera not in heartbeat.cameras:
                self._drop(topic)

    def _drop(self, topic: bytes) -> None:
        value = self._values.pop(topic, None)
        if value is not None:
            self._bytes -= len(value.payload)
            self._topics[value.head.node].discard(topic)
