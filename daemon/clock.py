"""Time as an argument: the monotonic clock that measures, the wall clock that is published."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the program learns what time it is; tests pass one that they move themselves."""

    def now_s(self) -> float:
        """Monotonic seconds: for every duration and deadline."""
        ...

    def wall_ns(self) -> int:
        """Wall clock in nanoseconds since 1970: only for records that leave the process."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        return time.monotonic()

    def wall_ns(self) -> int:
        return time.time_ns()
