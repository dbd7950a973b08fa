"""Who may speak for a camera: always in a single daemon, in a fleet as long as a grant lasts.

A grant is a number and a moment of the monotonic clock (CLOCK_MONOTONIC, which neither a step of
the wall clock nor a stopped process holds up) until which it may be used. Both the publisher and
every sink ask, so that what was queued before a process was frozen is not sent once it goes on.
"""

from __future__ import annotations

import math


class Permit:
    """The right to speak under one grant. One thread extends and ends it, any thread asks."""

    __slots__ = ("_until_s", "number")

    def __init__(self, number: int | None, until_s: float) -> None:
        self.number = number  # None in a single daemon, which needs no grant
        self._until_s = until_s

    @property
    def until_s(self) -> float:
        return self._until_s

    def holds(self, now_s: float) -> bool:
        """Whether anything may be said now."""
        return now_s < self._until_s

    def extend(self, until_s: float) -> None:
        """Never shortens it: an answer that was long on its way changes nothing."""
        self._until_s = max(self._until_s, until_s)

    def end(self) -> None:
        """For good; another grant is another permit."""
        self._until_s = -math.inf


class Licence:
    """The permit that a camera has now. The fence replaces it, any thread reads it."""

    __slots__ = ("permit",)

    def __init__(self, permit: Permit | None = None) -> None:
        self.permit = permit or Permit(None, math.inf)
