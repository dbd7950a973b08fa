"""What is to go to the broker: states that it keeps, events, and answers for frames.

One thread puts, another takes; every call is short. A state is one payload per topic, newest wins,
however long the broker is away. What the broker keeps for us is written down at the broker first
(`sinks.mqtt.manifest`), so that the next start, which may have fewer cameras, finds and clears it.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sinks.messages import Kind
from sinks.mqtt.manifest import Manifest, parting
from sinks.sink import Loss

MOST_TOPICS = 20_000  # that the broker keeps for us
MOST_EVENTS = 1000  # that wait for the broker; the oldest is lost
MOST_DETECTIONS = 64  # the same of answers for frames, which age quickly

ONLINE = b"online"
OFFLINE = b"offline"


@dataclass(frozen=True, slots=True)
class Post:
    """One message for the broker; `kind` says which of ours it carries, None for a state."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    kind: Kind | None = None

    @property
    def size(self) -> int:
        return len(self.topic) + len(self.payload)


@dataclass(frozen=True, slots=True)
class Load:
    """How much there is at one moment, and what became of the rest since the start."""

    retained: int
    waiting: int
    refused: int  # topics beyond MOST_TOPICS
    published: Mapping[Kind, int]
    messages: int  # states included
    sent_bytes: int
    lost: Mapping[Loss, int]


class Outgoing:
    """`wake` is called after each change, in the thread that made it."""

    def __init__(
        self,
        *,
        available: str,
        manifest: str,
        wake: Callable[[], None] = lambda: None,
        most_topics: int = MOST_TOPICS,
        most_events: int = MOST_EVENTS,
    ) -> None:
        self._available = available
        self._manifest = manifest
        self._wake = wake
        self._most_topics = most_topics
        self._bounds = {Kind.EVENT: most_events, Kind.DETECTION: MOST_DETECTIONS}
        self._lock = threading.Lock()
        self._kept: dict[str, bytes] = {}
        self._adoptable: set[str] = set()
        self._adopted: dict[str, None] = {}  # kept by the broker since an earlier start
        self._devices: dict[str, Mapping[str, str]] = {}  # topic: platforms by component
        self._partings: deque[Post] = deque()
        self._manifest_due = False
        self._clear: dict[str, None] = {}
        self._due: dict[str, None] = {}  # topics whose payload the broker does not have
        self._mail: dict[Kind, deque[Post]] = {kind: deque() for kind in self._bounds}
        self._under_way = 0  # taken, and not delivered yet
        self._states_turn = True
        self._refused = 0
        self._published: Counter[Kind] = Counter()
        self._messages = 0
        self._sent_bytes = 0
        self._lost: Counter[Loss] = Counter()

    # Of the thread that puts

    def keep(self, topic: str, payload: bytes) -> None:
        """The state of a topic from now on; nothing is sent where it is what it was."""
        with self._lock:
            changed = self._keep(topic, payload)
        if changed:
            self._wake()

    def keep_device(self, topic: str, payload: bytes, components: Mapping[str, str]) -> None:
        """A device of Home Assistant, with the platforms of its components. Those that it had and
        has no more are taken leave of first.
        """
        with self._lock:
            before = self._devices.get(topic, {})
            self._part(topic, payload, before, components)
            self._manifest_due |= before != components
            self._devices[topic] = dict(components)
            self._keep(topic, payload)
        self._wake()

    def keep_first(self, topic: str, payload: bytes) -> None:
        """The state of a topic that has none yet."""
        with self._lock:
            if topic not in self._kept:
                self._keep(topic, payload)
        self._wake()

    def adopt(self, topics: Iterable[str]) -> None:
        """What an earlier start left there may stay until there is something newer."""
        with self._lock:
            self._adoptable |= set(topics)

    def forget(self, topics: Iterable[str]) -> None:
        """The broker keeps nothing of these any more."""
        with self._lock:
            for topic in topics:
                self._adoptable.discard(topic)
                was_adopted = self._adopted.pop(topic, "") is None
                if self._kept.pop(topic, None) is not None or was_adopted:
                    self._devices.pop(topic, None)
                    self._due.pop(topic, None)
                    self._clear[topic] = None
        self._wake()

    def kept(self, prefix: str | tuple[str, ...]) -> list[str]:
        """Topics that begin so, or in one of these ways, and have a state, or may have one of an
        earlier start.
        """
        with self._lock:
            topics = [*self._kept, *self._adopted, *self._adoptable]
            return list(dict.fromkeys(topic for topic in topics if topic.startswith(prefix)))

    def again(self, prefix: str) -> None:
        """Send the states of topics that begin so once more."""
        with self._lock:
            self._due |= {topic: None for topic in self._kept if topic.startswith(prefix)}
        self._wake()

    def mail(self, post: Post) -> None:
        """A message that is not kept; of too many that wait the oldest is lost."""
        with self._lock:
            lane = self._mail[_of(post)]
            lane.append(post)
            self._trim(_of(post))
        self._wake()

    # Of the thread that takes

    def connected(self, before: Manifest) -> None:
        """Everything is to be sent, `available` last; what the broker keeps of an earlier start
        and is not ours now is cleared.
        """
        with self._lock:
            strange = [topic for topic in before.topics if topic not in self._kept]
            self._adopted = {topic: None for topic in strange if topic in self._adoptable}
            self._clear |= {topic: None for topic in strange if topic not in self._adopted}
            self._partings.clear()
            for topic, components in before.devices.items():
                if topic in self._devices:
                    self._part(topic, self._kept[topic], components, self._devices[topic])
            self._manifest_due = True
            self._due = dict.fromkeys([*self._kept, self._available])

    def take(self, *, events: bool) -> Post | None:
        """The next one to send; `events` where one more may go that the broker has to confirm."""
        with self._lock:
            post = self._next_to_prepare() or self._next_state_or_mail(events=events)
            if post is None or post.kind is None:
                self._count(post)
            else:
                self._under_way += 1
            return post

    def delivered(self, post: Post) -> None:
        """It is on the wire, or confirmed where that was asked for."""
        with self._lock:
            self._under_way -= 1
            self._count(post)

    def give_back(self, posts: Iterable[Post]) -> None:
        """They were taken, and the connection broke before they were delivered."""
        posts = list(posts)
        with self._lock:
            self._under_way -= len(posts)
            for post in reversed(posts):
                self._mail[_of(post)].appendleft(post)
            for kind in self._mail:
                self._trim(kind)

    def close(self) -> None:
        """Nobody takes any more."""
        with self._lock:
            for lane in self._mail.values():
                self._lost[Loss.SHUTDOWN] += len(lane)
                lane.clear()

    # Of any thread

    @property
    def empty(self) -> bool:
        with self._lock:
            mail = any(self._mail.values())
            return not (mail or self._partings or self._manifest_due or self._clear or self._due)

    def load(self) -> Load:
        with self._lock:
            return Load(
                len(self._kept),
                sum(map(len, self._mail.values())) + self._under_way,
                self._refused,
                {kind: self._published[kind] for kind in Kind},
                self._messages,
                self._sent_bytes,
                {loss: self._lost[loss] for loss in Loss},
            )

    def _keep(self, topic: str, payload: bytes) -> bool:
        """Whether there is something to send."""
        before = self._kept.get(topic)
        if before is None and len(self._kept) >= self._most_topics:
            self._refused += 1
            return False
        if before is None:
            self._manifest_due = True
            self._clear.pop(topic, None)
            self._adopted.pop(topic, None)
        if payload == before:
            return False
        self._kept[topic] = payload
        self._due[topic] = None
        return True

    def _part(
        self, topic: str, payload: bytes, before: Mapping[str, str], now: Mapping[str, str]
    ) -> None:
        gone = {name: platform for name, platform in before.items() if name not in now}
        if gone:
            self._partings.append(Post(topic, parting(payload, gone), retain=True))

    def _next_to_prepare(self) -> Post | None:
        """What goes before any state: the manifest, and what the broker shall forget."""
        if self._manifest_due:
            self._manifest_due = False
            topics = [*self._kept, *self._adopted, *self._clear]
            payload = Manifest(topics, self._devices).encoded()
            return Post(self._manifest, payload, retain=True)
        if self._partings:
            return self._partings.popleft()
        if self._clear:
            topic = next(iter(self._clear))
            del self._clear[topic]
            self._manifest_due = not self._clear
            return Post(topic, b"", retain=True)
        return None

    def _next_state_or_mail(self, *, events: bool) -> Post | None:
        """By turns, so that neither keeps the other from a slow broker."""
        lane = self._mail[Kind.DETECTION]
        if events and self._mail[Kind.EVENT]:
            lane = self._mail[Kind.EVENT]
        self._states_turn = not self._states_turn
        if self._due and (self._states_turn or not lane):
            topic = next(iter(self._due))
            del self._due[topic]
            payload = ONLINE if topic == self._available else self._kept[topic]
            return Post(topic, payload, retain=True)
        return lane.popleft() if lane else None

    def _trim(self, kind: Kind) -> None:
        lane = self._mail[kind]
        while len(lane) > self._bounds[kind]:
            lane.popleft()
            self._lost[Loss.AWAY] += 1

    def _count(self, post: Post | None) -> None:
        if post is not None:
            self._messages += 1
            self._sent_bytes += post.size
            if post.kind is not None:
                self._published[post.kind] += 1


def _of(post: Post) -> Kind:
    """The lane of a message that is not kept."""
    return post.kind or Kind.EVENT
