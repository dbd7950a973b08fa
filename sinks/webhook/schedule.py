"""Times of the week. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from config.webhook import Day, ScheduleConfig

_DAYS: tuple[str, ...] = get_args(Day)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of every week; minutes of a day count from midnight, 0 is Monday."""

    days: frozenset[int]
    start: int
    until: int

    def holds(self, day: int, minute: int) -> bool:
        """Whether this minute is in it. What goes on over midnight belongs to the day before."""
        if self.start < self.until:
            return day in self.days and self.start <= minute < self.until
        evening = day in self.days and minute >= self.start
        return evening or ((day - 1) % 7 in self.days and minute < self.until)


def window_of(config: ScheduleConfig) -> Window:
    return Window(
        frozenset(_DAYS.index(day) for day in config.days or _DAYS),
        _minutes(config.start),
        _minutes(config.until),
    )


def is_time(windows: Sequence[Window] | None, at_ns: int) -> bool:
    """Whether a wall clock's moment is in one of them, by the local time of this machine."""
    if windows is None:
        return True
    local = time.localtime(at_ns / 1e9)
    minute = local.tm_hour * 60 + local.tm_min
    return any(window.holds(local.tm_wday, minute) for window in windows)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
