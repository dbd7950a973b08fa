"""Who subscribed to what, and who to too much. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container

# A client of 256 cameras that names every topic of each needs 1300 of them, and 40 kB.
MOST_TOPICS = 2048  # of one connection
MOST_BYTES = 65_536  # of one connection, all its topics together
MOST_BYTES_IN_ALL = 524_288  # topics that differ; libzmq takes some fifty times that in memory


class Subscriptions:
    """Topic prefixes by connection. Takes what libzmq tells, in the order it tells it."""

    def __init__(self) -> None:
        self._topics: defaultdict[int, set[bytes]] = defaultdict(set)
        self._bytes: Counter[int] = Counter()
        self._holders: Counter[bytes] = Counter()
        self._bytes_in_all = 0
        self._strange: frozenset[int] = frozenset()

    def __len__(self) -> int:
        """How many there are, whoever holds them."""
        return sum(map(len, self._topics.values()))

    def add(self, connection: int, topic: bytes) -> int | None:
        """Returns the connection that has too much now: this one, or the greediest of all."""
        topics = self._topics[connection]
        if topic not in topics:
            topics.add(topic)
            self._bytes[connection] += len(topic)
            self._bytes_in_all += 0 if topic in self._holders else len(topic)
            self._holders[topic] += 1
        if len(topics) > MOST_TOPICS or self._bytes[connection] > MOST_BYTES:
            return connection
        if self._bytes_in_all > MOST_BYTES_IN_ALL:
            return self._bytes.most_common(1)[0][0]
        return None

    def remove(self, connection: int, topic: bytes) -> None:
        topics = self._topics.get(connection, set())
        if topic in topics:
            topics.discard(topic)
            self._bytes[connection] -= len(topic)
            self._release(topic)

    def leave(self, connection: int) -> None:
        """It is gone, and with it all that it subscribed to."""
        for topic in self._topics.pop(connection, set()):
            self._release(topic)
        self._bytes.pop(connection, None)

    def keep(self, connections: Container[int]) -> None:
        """Forget what belongs to none of these, and did not at the call before. A subscription may
        be heard of a moment before its connection is, or after.
        """
        strange = frozenset(known for known in self._topics if known not in connections)
        for gone in strange & self._strange:
            self.leave(gone)
        self._strange = strange - self._strange

    def _release(self, topic: bytes) -> None:
        self._holders[topic] -= 1
        if self._holders[topic] == 0:
            del self._holders[topic]
            self._bytes_in_all -= len(topic)
