"""How long a camera waits before it is tried again."""

from __future__ import annotations

from collections.abc import Callable

from config.camera import ReconnectConfig
from daemon.capture.errors import SLOW, Cause

HEALTHY_S = 10.0  # a stream that ran this long starts from the shortest wait again


class BackOff:
    """Exponential waits with full jitter, and a slow lane where trying again soon does harm
    (cameras lock accounts after a few refused logins). One thread.
    """

    def __init__(self, config: ReconnectConfig, random: Callable[[], float]) -> None:
        self._config = config
        self._random = random
        self._attempt = 0

    def next_s(self, kind: Cause) -> float:
        """The wait after one more failure; `random` is in [0, 1)."""
        if kind in SLOW:
            return self._config.slow_s
        ceiling_s = min(self._config.max_s, self._config.min_s * 2.0**self._attempt)
        if ceiling_s < self._config.max_s:
            self._attempt += 1
        return ceiling_s * self._random()

    def streamed(self, duration_s: float) -> None:
        """The stream that was just lost had given pictures for this long."""
        if duration_s >= HEALTHY_S:
            self._attempt = 0
