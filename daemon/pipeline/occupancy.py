"""When the accelerator will be free: measured runs per bucket, and the one that is on."""

from __future__ import annotations

import threading

SMOOTHING = 0.2  # weight of the newest run in a bucket's estimate


class Occupancy:
    """Written by the inference thread, read by the batching thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._run_s: dict[int, float] = {}
        self._running: tuple[int, float] | None = None

    def forget(self) -> None:
        """Another detector runs from now on: nothing is known of its pace."""
        with self._lock:
            self._run_s.clear()

    def started(self, bucket: int, now_s: float) -> None:
        """A batch of this bucket runs from now on."""
        with self._lock:
            self._running = (bucket, now_s)

    def finished(self, now_s: float) -> float:
        """It is done; returns how long it took."""
        with self._lock:
            if self._running is None:
                return 0.0
            bucket, started_s = self._running
            self._running = None
            took_s = now_s - started_s
            before_s = self._run_s.get(bucket, took_s)
            self._run_s[bucket] = before_s + SMOOTHING * (took_s - before_s)
            return took_s

    def free_s(self, now_s: float) -> float:
        """When a new batch can start: `now_s` if idle, the estimated end of the run if not.

        A run that outlasts its estimate is believed to end any moment.
        """
        with self._lock:
            if self._running is None:
                return now_s
            bucket, started_s = self._running
            return max(now_s, started_s + self._run_s.get(bucket, 0.0))

    def pace(self) -> float | None:
        """Rows a second that the detector does at best, by the runs so far; None before any."""
        with self._lock:
            return max((n / run_s for n, run_s in self._run_s.items() if run_s > 0), default=None)

    def busy_for_s(self, now_s: float) -> float:
        """How long the present run has lasted; 0 when idle."""
        with self._lock:
            return now_s - self._running[1] if self._running else 0.0
