"""Whether the wall clock may be believed when recordings are deleted for their age.

A machine without a battery for its clock starts years off; somebody sets the clock wrong for a
minute. What was deleted then does not come back, so the clock has to be steady for a while first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from daemon.clock import Clock, clock_synchronised

JUMP_S = 60.0  # the wall clock gained or lost more than this beside the monotonic one
STEADY_S = 3600.0
STEADY_ALONE_S = 6 * 3600.0  # where the kernel says that nothing synchronises the clock
DAY_NS = 86_400 * 10**9

log = logging.getLogger(__name__)


class Calendar:
    """`look` at least every minute or two. Recorder's thread."""

    def __init__(
        self, clock: Clock, *, synchronised: Callable[[], bool | None] = clock_synchronised
    ) -> None:
        self._clock = clock
        self._synchronised = synchronised
        self._ahead_s = self._wall_ahead_s()
        self._steady_since_s = clock.now_s()

    def look(self) -> None:
        """Notice whether the wall clock was set since the last look."""
        ahead_s = self._wall_ahead_s()
        jump_s, self._ahead_s = ahead_s - self._ahead_s, ahead_s
        if abs(jump_s) > JUMP_S:
            self._steady_since_s = self._clock.now_s()
            log.warning("clock was set by_s=%+.0f: no recording is too old for now", jump_s)

    @property
    def is_believed(self) -> bool:
        needed_s = STEADY_ALONE_S if self._synchronised() is False else STEADY_S
        return self._clock.now_s() - self._steady_since_s >= needed_s

    def wall_ns(self, at_s: float) -> int:
        """The wall clock at a moment of the monotonic one, as it goes now."""
        return self._clock.wall_ns() - round((self._clock.now_s() - at_s) * 1e9)

    def _wall_ahead_s(self) -> float:
        return self._clock.wall_ns() / 1e9 - self._clock.now_s()
