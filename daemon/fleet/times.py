"""The times of the fence, all of them multiples of the lease.

A shard counts its lease from the moment when it *asked*, the Director from the moment when it was
asked, which is later whatever the network does. So with clocks that only have to run at the same
rate (to a fifth) no grant is given before the one before it has ended.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds, by each process's own monotonic clock."""

    lease_s: float = 2.0  # how long a grant may be used after it was asked for

    @property
    def renew_s(self) -> float:
        """From one renewal to the next."""
        return self.lease_s / 4

    @property
    def regrant_s(self) -> float:
        """After the last renewal another server may get the camera."""
        return self.lease_s * 1.25
