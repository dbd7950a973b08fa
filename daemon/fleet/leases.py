"""What a shard may use: grants with their ends, by its own monotonic clock. Pure; one thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daemon.fleet.times import Times


@dataclass(frozen=True, slots=True)
class Lease:
    """A grant, and until when it may be used."""

    number: int
    until_s: float


class Leases:
    """A lease that ended is gone: only the Director gives the camera again, with a new number."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self._leases: dict[str, Lease] = {}
        self._dropped: dict[str, int] = {}  # numbers that were let go of: they never come back

    def take(self, grants: Mapping[str, int], asked_s: float, now_s: float) -> None:
        """The Director's reply to what was asked at `asked_s`: these and no others."""
        until_s = asked_s + self.times.lease_s
        self._leases = (
            {
                camera: Lease(number, until_s)
                for camera, number in grants.items()
                if number != self._dropped.get(camera)
            }
            if now_s < until_s
            else {}
        )

    def extend(self, newest: Mapping[str, int], asked_s: float, now_s: float) -> None:
        """The Director is away; a gateway says which grants are the newest that it saw, asked at
        `asked_s`. Those that nobody has overtaken go on.
        """
        until_s = asked_s + self.times.lease_s
        self._leases = {
            camera: Lease(lease.number, max(until_s, lease.until_s))
            for camera, lease in self.live(now_s).items()
            if newest.get(camera, 0) <= lease.number
        }

    def drop(self, cameras: frozenset[str]) -> None:
        """Let these go, although the Director goes on granting them until it hears of it."""
        self._dropped |= {c: lease.number for c, lease in self._leases.items() if c in cameras}
        self._leases = {c: lease for c, lease in self._leases.items() if c not in cameras}

    def live(self, now_s: float) -> dict[str, Lease]:
        """Those that have not ended."""
        return {c: lease for c, lease in self._leases.items() if now_s < lease.until_s}
