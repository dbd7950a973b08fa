"""The bounded queue between those who see and the recorder."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from daemon.recording.tray import Tray
from daemon.seats.sight import Sight
from sinks.messages import DetectionMessage

CAPACITY = 32  # each holds a full-size picture


@dataclass(frozen=True, slots=True)
class Life:
    """An object whose life is recorded: the `id` of its events, and when it came, monotonic."""

    id: str
    since_s: float


@dataclass(frozen=True, slots=True)
class Moment:
    """An answer that is to be recorded: an event, or a picture that may become part of a clip.
    `tray` is that of its camera; `life` is said where a recording of an object begins with it.
    """

    tray: Tray
    sight: Sight
    message: DetectionMessage
    is_event: bool
    life: Life | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """An object whose life is recorded is gone; it was last seen at `at_s`."""

    tray: Tray
    id: str
    at_s: float
    is_event: ClassVar[bool] = True


Entry = Moment | Ending


class Inbox:
    """Bound: `capacity`. Drop policy: the oldest picture that is no event, then the oldest event.

    Any thread puts, one gets; putting never waits.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: deque[Entry] = deque()
        self._changed = threading.Condition()
        self._woken = False

    def put(self, entry: Entry) -> Entry | None:
        """What had to make room."""
        with self._changed:
            dropped = self._make_room() if len(self._entries) >= self._capacity else None
            self._entries.append(entry)
            self._changed.notify()
            return dropped

    def get(self, timeout_s: float) -> Entry | None:
        """The oldest; waits for it unless woken. None where nothing came."""
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._woken, timeout_s)
            self._woken = False
            return self._entries.popleft() if self._entries else None

    def wake(self) -> None:
        """End the `get` that waits, or the next one at once."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def clear(self) -> list[Entry]:
        """Throw away what is queued."""
        with self._changed:
            thrown = list(self._entries)
            self._entries.clear()
            return thrown

    def __len__(self) -> int:
        return len(self._entries)

    def _make_room(self) -> Entry:
        passing = (place for place, entry in enumerate(self._entries) if not entry.is_event)
        place = next(passing, 0)
        dropped = self._entries[place]
        del self._entries[place]
        return dropped
