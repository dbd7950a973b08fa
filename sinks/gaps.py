"""What a subscriber missed: the rules of docs/messages.md for `seq`, `epoch` and heartbeats."""

from __future__ import annotations

from sinks.messages import DetectionMessage, HeartbeatMessage, Message


class GapWatch:
    """Tells losses and restarts from the messages in the order they came.

    A gap in `seq` is a loss. A `seq` named in one heartbeat should have come by the next: so a
    loss at the end is seen too, and a heartbeat that overtakes a message raises no alarm. What
    was sent before the first message or heartbeat came is not a loss.
    """

    def __init__(self) -> None:
        self._epoch: str | None = None
        self._last: dict[str, int] = {}  # newest `seq` accounted for, by camera
        self._announced: dict[str, int] | None = None  # by the last heartbeat

    def restarted(self, message: Message) -> bool:
        """Call first, for every message: true for the first one of another start of the daemon."""
        restarted = self._epoch not in (None, message.epoch)
        if restarted:
            self._last.clear()
            self._announced = None
        self._epoch = message.epoch
        return restarted

    def lost(self, message: Message) -> dict[str, int]:
        """How many messages of which camera are now known to be lost."""
        if isinstance(message, DetectionMessage):
            return self._advance({message.camera: message.seq}, received=1)
        if isinstance(message, HeartbeatMessage):
            return self._advance(self._announce(message), received=0)
        return {}

    def _announce(self, heartbeat: HeartbeatMessage) -> dict[str, int]:
        """What is due now: what the heartbeat before this one announced."""
        if self._announced is None:
            # The first may be an old one, sent again to greet us; between it and now there were
            # messages that we could not get.
            self._announced = {}
            return {}
        due = self._announced
        self._announced = {name: beat.seq for name, beat in heartbeat.cameras.items()}
        return due

    def _advance(self, seqs: dict[str, int], *, received: int) -> dict[str, int]:
        lost = {}
        for camera, seq in seqs.items():
            missing = seq - received - self._last.get(camera, seq - received)
            if missing > 0:
                lost[camera] = missing
            self._last[camera] = max(seq, self._last.get(camera, seq))
        return lost
