"""The bounded queue between the pipeline and one sink's thread."""

from __future__ import annotations

import threading
from collections import deque
from itertools import count

from sinks.envelope import Envelope
from sinks.messages import Kind


class Outbox:
    """Messages in the order they were put, in four lanes: detections, counts, events, and notices
    (status, heartbeat).

    Bound: `capacity` of each. Drop policy: the oldest of the same lane, counted in `dropped`;
    so no flood of detections pushes out an event or a change of state. `put` never waits for the
    reader. Any thread puts, one thread gets.
    """

    def __init__(self, capacity: int) -> None:
        detections, counts, events, notices = (
            deque[tuple[int, Envelope]](maxlen=capacity) for _ in range(4)
        )
        self._lanes = {
            Kind.DETECTION: detections,
            Kind.COUNT: counts,
            Kind.EVENT: events,
            Kind.STATUS: notices,
            Kind.HEARTBEAT: notices,
        }
        self._each = (detections, counts, events, notices)
        self._order = count()
        self._changed = threading.Condition()
        self._closed = False
        self._dropped = 0

    def put(self, envelope: Envelope) -> bool:
        """False where the outbox is closed."""
        lane = self._lanes[envelope.kind]
        with self._changed:
            if self._closed:
                return False
            self._dropped += len(lane) == lane.maxlen
            lane.append((next(self._order), envelope))
            self._changed.notify()
            return True

    def get(self, timeout_s: float) -> Envelope | None:
        """The oldest one; waits for it unless closed. None where nothing came."""
        with self._changed:
            lanes = self._filled()
            if not lanes:
                self._changed.wait_for(lambda: len(self) or self._closed, timeout_s)
                lanes = self._filled()
            lane = lanes[0] if len(lanes) == 1 else min(lanes, key=_order_of_first, default=None)
            return lane.popleft()[1] if lane else None

    def close(self) -> None:
        """Nothing more comes in; what is queued can still be taken out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_closed(self, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, timeout_s)

    def clear(self) -> int:
        """Throw away what is queued; the caller counts it."""
        with self._changed:
            thrown = len(self)
            for lane in self._each:
                lane.clear()
            return thrown

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def dropped(self) -> int:
        """How many were pushed out by newer ones."""
        return self._dropped

    def _filled(self) -> list[deque[tuple[int, Envelope]]]:
        return [lane for lane in self._each if lane]

    def __len__(self) -> int:
        return sum(map(len, self._each))


def _order_of_first(lane: deque[tuple[int, Envelope]]) -> int:
    return lane[0][0]
