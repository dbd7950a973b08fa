"""What a subscriber missed: the rules of docs/messages.md for `node`, `epoch`, `seq`, `event_seq`
and heartbeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sinks.messages import DetectionMessage, EventMessage, HeartbeatMessage, Message

What = Literal["messages", "events"]


class Numbered(NamedTuple):
    """What is numbered by itself: the detection messages of a camera of a node, or its events."""

    node: str
    camera: str
    what: What = "messages"


class GapWatch:
    """Tells losses and restarts from the messages in the order they came.

    A gap in `seq` is a loss. A `seq` named in one heartbeat should have come by the next: so a
    loss at the end is seen too, and a heartbeat that overtakes a message raises no alarm. What
    was sent before the first message or heartbeat came is not a loss, and neither is what was
    not subscribed to, although heartbeats name it. Every node is by itself.
    """

    def __init__(self, *, events: bool = True, camera: str | None = None) -> None:
        """`events`: whether events are subscribed to as well; `camera`: the only one that is
        subscribed to, None for all.
        """
        self._events = events
        self._camera = camera
        self._nodes: dict[str, _Run] = {}

    def restarted(self, message: Message) -> bool:
        """Call first, for every message: true for the first one of another start of its daemon."""
        known = self._nodes.get(message.node)
        if known is not None and known.epoch == message.epoch:
            return False
        self._nodes[message.node] = _Run(message.epoch)
        return known is not None

    def lost(self, message: Message) -> dict[Numbered, int]:
        """How many messages of which camera are now known to be lost."""
        run, node = self._nodes[message.node], message.node
        if isinstance(message, DetectionMessage):
            return run.advance({Numbered(node, message.camera): message.seq}, received=1)
        if isinstance(message, EventMessage):
            events = Numbered(node, message.camera, "events")
            return run.advance({events: message.event_seq}, received=1)
        if isinstance(message, HeartbeatMessage):
            return run.advance(run.announce(self._named(message)), received=0)
        return {}

    def known(self, numbered: Numbered) -> int:
        """Up to which number it is known what became of each; 0 where none was heard of."""
        run = self._nodes.get(numbered.node)
        return run.last.get(numbered, 0) if run else 0

    def _named(self, heartbeat: HeartbeatMessage) -> dict[Numbered, int]:
        named = {}
        for camera, beat in heartbeat.cameras.items():
            if self._camera not in (None, camera):
                continue
            named[Numbered(heartbeat.node, camera)] = beat.seq
            if self._events:
                named[Numbered(heartbeat.node, camera, "events")] = beat.event_seq
        return named


@dataclass
class _Run:
    """One start of one node's daemon."""

    epoch: str
    last: dict[Numbered, int] = field(default_factory=dict)  # newest number accounted for
    announced: Mapping[Numbered, int] | None = None  # by the last heartbeat

    def announce(self, named: Mapping[Numbered, int]) -> Mapping[Numbered, int]:
        """What is due now: what the heartbeat before this one announced."""
        if self.announced is None:
            # The first may be an old one, sent again to greet us; between it and now there were
            # messages that we could not get.
            self.announced = {}
            return {}
        due, self.announced = self.announced, named
        return due

    def advance(self, numbers: Mapping[Numbered, int], *, received: int) -> dict[Numbered, int]:
        lost = {}
        for key, number in numbers.items():
            missing = number - received - self.last.get(key, number - received)
            if missing > 0:
                lost[key] = missing
            self.last[key] = max(number, self.last.get(key, number))
        return lost
