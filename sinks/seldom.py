"""A line in the log about what may happen without end."""

from __future__ import annotations

import math
from collections.abc import Callable

EVERY_S = 60.0


class Seldom:
    """The first time is told at once, then all that came since, once a minute. One thread."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """`now_s` is the monotonic clock."""
        self._now_s = now_s
        self._untold = 0
        self._quiet_until_s = -math.inf

    def times(self) -> int:
        """It happened: how often since that was told last; 0 where it is too soon to tell again."""
        self._untold += 1
        now_s = self._now_s()
        if now_s < self._quiet_until_s:
            return 0
        times, self._untold = self._untold, 0
        self._quiet_until_s = now_s + EVERY_S
        return times
