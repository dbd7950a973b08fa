"""What cameras and models leave behind goes back to the system.

glibc keeps freed memory in a heap for each thread, for that thread alone. Cameras that come and go,
at times in another size, would let every heap grow to its own peak: the process would hold what it
never needed at once, and a real leak could not be told from that.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from daemon.books.states import CameraStatus
from daemon.clock import Clock

DELAY_S = 10.0  # a wave of reconnects is one occasion


def _find_trim() -> Callable[[int], object]:
    """glibc's `malloc_trim`, which takes about a millisecond; other C libraries need none."""
    trim: Callable[[int], object] = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)
    return trim


class FreedMemory:
    """Any thread tells that something was freed; `tick` belongs to the main thread."""

    def __init__(self, clock: Clock, trim: Callable[[int], object] | None = None) -> None:
        self._clock = clock
        self._trim = trim or _find_trim()
        self._due_s: float | None = None

    def status_changed(self, status: CameraStatus) -> None:
        """A camera that is not connected any more has closed its decoder."""
        if not status.state.is_up:
            self.note()

    def note(self) -> None:
        """Something large was freed, or is about to be."""
        if self._due_s is None:
            self._due_s = self._clock.now_s() + DELAY_S

    def tick(self) -> None:
        """Give back what was freed, some time after the first note of it."""
        if self._due_s is not None and self._clock.now_s() >= self._due_s:
            self._due_s = None
            self._trim(0)
