"""Time as an argument: the monotonic clock that measures, the wall clock that is published."""

from __future__ import annotations

import ctypes
import time

from sinks.clock import Clock as Clock  # one protocol: sinks may not import the daemon

_TIME_ERROR = 5  # adjtimex: the kernel's clock is not synchronised
_TIMEX_BYTES = 256  # struct timex has 208


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        return time.monotonic()

    def wall_ns(self) -> int:
        return time.time_ns()


def clock_synchronised() -> bool | None:
    """What the kernel says, as NTP daemons tell it; None where it does not answer."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return None
    state = adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))  # zeros: only read
    return None if state < 0 else state != _TIME_ERROR
