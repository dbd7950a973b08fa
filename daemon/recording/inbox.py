"""The bounded queue between the results thread and the recorder."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from daemon.recording.tray import Tray
from daemon.seats.sight import Sight
from sinks.messages import DetectionMessage

CAPACITY = 32  # each holds a full-size picture


@dataclass(frozen=True, slots=True)
class Moment:
    """An answer that is to be recorded: an event, or a picture that may become part of a clip.
    `tray` is that of its camera.
    """

    tray: Tray
    sight: Sight
    message: DetectionMessage
    is_event: bool


class Inbox:
    """Bound: `capacity`. Drop policy: the oldest picture that is no event, then the oldest event.

    Any thread puts, one gets; putting never waits.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._moments: deque[Moment] = deque()
        self._changed = threading.Condition()
        self._woken = False

    def put(self, moment: Moment) -> Moment | None:
        """The moment that had to make room."""
        with self._changed:
            dropped = self._make_room() if len(self._moments) >= self._capacity else None
            self._moments.append(moment)
            self._changed.notify()
            return dropped

    def get(self, timeout_s: float) -> Moment | None:
        """The oldest; waits for it unless woken. None where nothing came."""
        with self._changed:
            self._changed.wait_for(lambda: self._moments or self._woken, timeout_s)
            self._woken = False
            return self._moments.popleft() if self._moments else None

    def wake(self) -> None:
        """End the `get` that waits, or the next one at once."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def clear(self) -> list[Moment]:
        """Throw away what is queued."""
        with self._changed:
            thrown = list(self._moments)
            self._moments.clear()
            return thrown

    def __len__(self) -> int:
        return len(self._moments)

    def _make_room(self) -> Moment:
        passing = (place for place, moment in enumerate(self._moments) if not moment.is_event)
        place = next(passing, 0)
        dropped = self._moments[place]
        del self._moments[place]
        return dropped
