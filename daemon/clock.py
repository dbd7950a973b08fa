"""Time as an argument: the monotonic clock that measures, the wall clock that is published."""

from __future__ import annotations

import time

from sinks.clock import Clock as Clock  # one protocol: sinks may not import the daemon


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        return time.monotonic()

    def wall_ns(self) -> int:
        return time.time_ns()
