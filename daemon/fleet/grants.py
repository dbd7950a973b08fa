"""Who may speak for each camera: the Director's book of grants. Pure, told the time; one thread.

A grant is a camera, a shard and a number that no other grant has, each higher than all before. It
is free to go to another shard when the one that has it says that it let go, or when that one has
not renewed it for `Times.regrant_s`; never before.

A shard lets go by leaving a camera out of its report. That counts only if the report was made
after the reply that handed the grant out was taken in (`seen`): else it only says that the reply
had not come yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from daemon.fleet.times import Times


@dataclass(slots=True)
class Held:
    """A grant that may be in use."""

    shard: str
    number: int
    renewed_s: float
    since_reply: int | None = None  # the reply that handed it out; None before
    revoked: bool = False  # it is renewed no more


class GrantBook:
    """All grants. `next_number` gives numbers that rise for ever, over restarts too."""

    def __init__(
        self,
        next_number: Callable[[int], int],
        times: Times,
        now_s: float,
        *,
        settle_s: float | None = None,
    ) -> None:
        """`settle_s` is how long grants of a Director before this one may last unheard of."""
        self._next_number = next_number
        self.times = times
        self.changes = 0  # how often a camera got a holder, lost it or was revoked
        self._held: dict[str, Held] = {}
        self._of: defaultdict[str, dict[str, Held]] = defaultdict(dict)  # the same, by shard
        self._highest: dict[str, int] = {}  # that was ever heard of, by camera
        self._longer_s, self._longer_until_s = 0.0, now_s  # leases of before, see `use`
        # Whatever a Director before this one gave has been reported, or has ended, by then.
        self._settled_s = now_s + (times.regrant_s if settle_s is None else settle_s)

    def use(self, times: Times, now_s: float) -> None:
        """Leases of another length from now on; those that were given before last as they said."""
        longer_s = self._regrant_s(now_s)
        if times.regrant_s < longer_s:
            until_s = now_s + longer_s
            self._longer_s, self._longer_until_s = longer_s, max(until_s, self._longer_until_s)
        self.times = times

    def holder(self, camera: str) -> Held | None:
        """Who has it, or may have it still."""
        return self._held.get(camera)

    def of(self, shard: str) -> Mapping[str, Held]:
        """What it has; not to be kept while grants are given and end."""
        return self._of.get(shard, {})

    def number(self, camera: str) -> int | None:
        """The newest that was given."""
        return self._highest.get(camera)

    def settled(self, now_s: float) -> bool:
        """Whether grants may be given: not right after a start, when others may be in use."""
        return now_s >= self._settled_s

    def report(self, shard: str, held: Mapping[str, int], *, seen: int, now_s: float) -> list[str]:
        """A shard says what it holds, having taken in the replies up to `seen`; the cameras that
        it let go. What this book does not know, as a new Director's, it learns. Reports of a shard
        are given in the order they were made, and one that was overtaken is left out.
        """
        for camera, number in held.items():
            known = self._held.get(camera)
            highest = self._highest[camera] = max(number, self._highest.get(camera, 0))
            if number == highest and (known is None or number > known.number):
                # The shard itself spoke of it: when it does no more it has let go, see `seen`.
                self._take(camera, Held(shard, number, now_s, since_reply=0))
        released = [
            camera
            for camera, known in self.of(shard).items()
            if held.get(camera) != known.number
            and known.since_reply is not None
            and seen >= known.since_reply
        ]
        for camera in released:
            self._free(camera)
        return released

    def renewed(self, shard: str, *, reply: int, now_s: float) -> dict[str, int]:
        """What the shard may use, for a lease from when it asked; goes into the reply."""
        grants = {}
        regrant_s = self._regrant_s(now_s)
        for camera, held in self.of(shard).items():
            if held.revoked or now_s - held.renewed_s >= regrant_s:
                continue
            held.renewed_s = now_s
            if held.since_reply is None:
                held.since_reply = reply
            grants[camera] = held.number
        return grants

    def revoke(self, camera: str) -> None:
        """Renew it no more; it is free when its shard lets go, or when it lapses."""
        if camera in self._held:
            self._held[camera].revoked = True
            self.changes += 1

    def lapse(self, now_s: float) -> list[str]:
        """Forget what was not renewed for so long that it cannot be in use; which cameras."""
        regrant_s = self._regrant_s(now_s)
        lapsed = [c for c, held in self._held.items() if now_s - held.renewed_s >= regrant_s]
        for camera in lapsed:
            self._free(camera)
        return lapsed

    def give(self, camera: str, shard: str, now_s: float) -> int | None:
        """A new grant for the shard, which its next reply hands out; None while another one may
        be in use.
        """
        if camera in self._held or not self.settled(now_s):
            return None
        number = self._next_number(self._highest.get(camera, 0))
        self._highest[camera] = number
        self._take(camera, Held(shard, number, now_s))
        return number

    def _take(self, camera: str, held: Held) -> None:
        """It is that one's now, and no longer of who had it before."""
        if camera in self._held:
            self._free(camera)
        self._held[camera] = self._of[held.shard][camera] = held
        self.changes += 1

    def _free(self, camera: str) -> None:
        held = self._held.pop(camera)
        del self._of[held.shard][camera]
        self.changes += 1

    def _regrant_s(self, now_s: float) -> float:
        """After a renewal nobody else gets the camera for so long."""
        longer_s = self._longer_s if now_s < self._longer_until_s else 0.0
        return max(self.times.regrant_s, longer_s)

    def forget(self, cameras: Collection[str]) -> None:
        """These are no cameras of the fleet any more, and nobody holds them."""
        for camera in cameras:
            self._highest.pop(camera, None)
