"""How long to wait before something that failed is tried again."""

from __future__ import annotations

from collections.abc import Callable

HEALTHY_S = 10.0  # what worked for so long starts from the shortest wait again


class Ceiling:
    """What a wait is at most: twice as much after each failure. One thread."""

    def __init__(self, first_s: float, most_s: float) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._attempt = 0

    def rise(self) -> float:
        """Of the wait after one more failure, in seconds."""
        ceiling_s = min(self._most_s, self._first_s * 2.0**self._attempt)
        if ceiling_s < self._most_s:
            self._attempt += 1
        return ceiling_s

    def worked(self, duration_s: float) -> None:
        """It had worked for this long before it failed."""
        if duration_s >= HEALTHY_S:
            self._attempt = 0


class BackOff(Ceiling):
    """A sink's waits, each between half and all of its ceiling: so that many daemons do not come
    back in one moment. `random` is in [0, 1).
    """

    def __init__(self, first_s: float, most_s: float, random: Callable[[], float]) -> None:
        super().__init__(first_s, most_s)
        self._random = random

    def next_s(self, *, at_least_s: float = 0.0) -> float:
        """The wait after one more failure; longer where trying again soon does harm."""
        return max(self.rise(), at_least_s) * (0.5 + 0.5 * self._random())
