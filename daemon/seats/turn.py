"""When a camera may be served next, and when its next frame is due. The batching thread's."""

from __future__ import annotations

from dataclasses import dataclass

LATE = 0.5  # of a period: a camera this late is no longer waited for
SMOOTHING = 0.2  # weight of the newest interval in a camera's estimated period


@dataclass(slots=True)
class Turn:
    """A camera's rhythm and its place in the order of service; see `daemon.pipeline.policy`."""

    weight: int = 1
    at: float = 0.0  # virtual time at which it may be served next; least goes first
    served_s: float = float("-inf")
    arrived_s: float | None = None
    period_s: float | None = None

    def arrived(self, now_s: float) -> None:
        """A frame came."""
        if self.arrived_s is not None and now_s > self.arrived_s:
            interval_s = now_s - self.arrived_s
            before_s = interval_s if self.period_s is None else self.period_s
            self.period_s = before_s + SMOOTHING * (interval_s - before_s)
        self.arrived_s = now_s

    def due_s(self, now_s: float) -> float | None:
        """When its next frame is expected; None without a rhythm, or when it is late already."""
        if self.arrived_s is None or self.period_s is None:
            return None
        due_s = self.arrived_s + self.period_s
        return due_s if now_s <= due_s + LATE * self.period_s else None
