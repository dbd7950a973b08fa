"""How long a sink waits before it tries again to reach what it sends to."""

from __future__ import annotations

from collections.abc import Callable

HEALTHY_S = 10.0  # what worked for so long starts from the shortest wait again


class BackOff:
    """Exponential waits, each between half and all of its ceiling: so that many daemons do not
    come back in one moment. `random` is in [0, 1). One thread.
    """

    def __init__(self, first_s: float, most_s: float, random: Callable[[], float]) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._random = random
        self._attempt = 0

    def next_s(self, *, at_least_s: float = 0.0) -> float:
        """The wait after one more failure; longer where trying again soon does harm."""
        ceiling_s = min(self._most_s, self._first_s * 2.0**self._attempt)
        if ceiling_s < self._most_s:
            self._attempt += 1
        return max(ceiling_s, at_least_s) * (0.5 + 0.5 * self._random())

    def worked(self, duration_s: float) -> None:
        """It had worked for this long before it failed."""
        if duration_s >= HEALTHY_S:
            self._attempt = 0
