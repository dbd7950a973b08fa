"""How long a camera waits before it is tried again."""

from __future__ import annotations

from collections.abc import Callable

from config.camera import ReconnectConfig
from daemon.capture.errors import SLOW, Cause
from sinks.backoff import Ceiling


class BackOff:
    """Exponential waits with full jitter, and a slow lane where trying again soon does harm
    (cameras lock accounts after a few refused logins). One thread.
    """

    def __init__(self, config: ReconnectConfig, random: Callable[[], float]) -> None:
        self._slow_s = config.slow_s
        self._ceiling = Ceiling(config.min_s, config.max_s)
        self._random = random

    def next_s(self, kind: Cause) -> float:
        """The wait after one more failure; `random` is in [0, 1)."""
        return self._slow_s if kind in SLOW else self._ceiling.rise() * self._random()

    def streamed(self, duration_s: float) -> None:
        """The stream that was just lost had given pictures for this long."""
        self._ceiling.worked(duration_s)
