"""The newest best picture of each camera and label, not too often."""

from __future__ import annotations

import threading

from sinks.highlights import Highlight


class Snapshots:
    """Any thread puts, one takes. Bound: one picture for each camera and label, newest wins."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], Highlight] = {}
        self._taken_s: dict[tuple[str, str], float] = {}

    def put(self, picture: Highlight) -> None:
        """A better picture of an object, or one of another object."""
        with self._lock:
            self._waiting[picture.camera, picture.label] = picture

    def due(self, now_s: float) -> list[Highlight]:
        """Those that may go now."""
        with self._lock:
            ready = [
                key
                for key in self._waiting
                if now_s >= self._taken_s.get(key, -self._every_s) + self._every_s
            ]
            self._taken_s |= dict.fromkeys(ready, now_s)
            return [self._waiting.pop(key) for key in ready]
