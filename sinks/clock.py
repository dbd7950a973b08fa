"""What sinks need of a clock, and so the daemon too, which stands above them."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Where the program learns what time it is; tests pass one that they move themselves."""

    def now_s(self) -> float:
        """Monotonic seconds: for every duration and deadline."""
        ...

    def wall_ns(self) -> int:
        """Wall clock in nanoseconds since 1970: only for records that leave the process."""
        ...
