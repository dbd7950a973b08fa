"""All that is kept of objects' best moments, behind one lock that is held for looks only."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from daemon.clock import Clock
from daemon.highlights.reel import Held, Reel, Subject
from daemon.seats.seat import Seat
from daemon.seats.sight import Sight
from sinks.messages import DetectionMessage, EventMessage

MOST_WAITING = 24  # pictures as the decoder made them; beyond, the oldest is given up
MOST_BYTES = 64 * 2**20  # of JPEGs; beyond, the oldest is given up
SETTLE_S = 0.5  # a better one often comes right after: nobody is in a hurry for this one
GRACE_S = 60.0  # that an object is remembered after its end


@dataclass(frozen=True, slots=True)
class Best:
    """An object's best moment so far, with the whole picture and the message about it."""

    subject: Subject  # a copy
    sight: Sight
    message: DetectionMessage


@dataclass(frozen=True, slots=True)
class Job:
    """A picture to be developed now."""

    held: Held
    full: bool


class Cabinet:
    """`see` and `tell` are called by whoever holds the seat, the rest by any thread. `changed` is
    notified of whatever somebody may wait for.
    """

    def __init__(self, clock: Clock) -> None:
        self.changed = threading.Condition()  # guards all below
        self.missed = 0  # pictures given up because too many waited, or took too much
        self._clock = clock
        self._reels: dict[Seat, Reel] = {}
        self._full: frozenset[Seat] = frozenset()

    def use(self, seats: Iterable[Seat], full: Iterable[Seat]) -> None:
        """These cameras are there; of `full` ones pictures are kept in full size."""
        with self.changed:
            self._reels = {seat: self._reels.get(seat) or Reel(seat.name) for seat in seats}
            self._full = frozenset(full)
            self.changed.notify_all()

    def keeps(self, seat: Seat) -> bool:
        """Whether its pictures are kept although nobody subscribes."""
        return seat in self._full

    @property
    def keeps_some(self) -> bool:
        return bool(self._full)

    def see(self, seat: Seat, sight: Sight, message: DetectionMessage) -> None:
        """An answer of a camera."""
        moments = seat.watch.best_moments()
        with self.changed:
            reel = self._reels.get(seat)
            if reel is not None and reel.look(sight, message, moments, self._clock.now_s()):
                self._bound_waiting()

    def tell(self, seat: Seat, event: EventMessage) -> None:
        """An event of a camera, after the answer that it is of."""
        with self.changed:
            reel = self._reels.get(seat)
            if reel is not None and reel.tell(event, self._clock.now_s()):
                self.changed.notify_all()

    def job(self) -> Job | None:
        """A picture to develop now: one that somebody may wait for comes first."""
        settled_s = self._clock.now_s() - SETTLE_S
        settled = None
        with self.changed:
            for seat, reel in self._reels.items():
                waiting = reel.waiting()
                hurried = reel.urgent() & waiting.keys() if waiting else ()
                for ns in hurried:
                    return Job(waiting[ns], self.keeps(seat))
                for held in waiting.values():
                    if held.came_s <= settled_s and settled is None:
                        settled = Job(held, self.keeps(seat))
        return settled

    def put(self, held: Held, sight: Sight, size: int) -> None:
        """A picture was developed."""
        with self.changed:
            held.sight, held.size, held.developed = sight, size, True
            self._bound_bytes()
            self.changed.notify_all()

    def give_up(self, held: Held) -> None:
        with self.changed:
            self.missed += 1
            for reel in self._reels.values():
                reel.drop(held)

    def due(self) -> list[Best]:
        """Whom listeners should be told of; they count as told."""
        now_s = self._clock.now_s()
        with self.changed:
            return [
                Best(subject, held.sight, held.message)
                for reel in self._reels.values()
                for subject, held in reel.due(now_s)
            ]

    def best(self, object_id: str, wait_s: float) -> Best | None:
        """See `sinks.highlights.Subscription.of`."""
        with self.changed:
            self.changed.wait_for(lambda: self._developed(object_id), wait_s)
            return self._developed(object_id)

    def forget(self) -> None:
        """Objects that ended a while ago."""
        with self.changed:
            for reel in self._reels.values():
                reel.forget(self._clock.now_s() - GRACE_S)

    def clear(self) -> None:
        """Nobody wants any of it."""
        with self.changed:
            self._reels = {seat: Reel(seat.name) for seat in self._reels}

    @property
    def waiting(self) -> int:
        """Pictures that are not developed yet."""
        with self.changed:
            return sum(not held.developed for held in self._held())

    def _developed(self, object_id: str) -> Best | None:
        head, _, track = object_id.rpartition("-")
        camera = head.partition("-")[2]
        for reel in self._reels.values():
            if reel.camera == camera and track.isdecimal():
                subject = reel.subjects.get(int(track))
                held = subject and reel.pictures.get(subject.best.captured_ns)
                if subject and held and held.developed and subject.id == object_id:
                    return Best(replace(subject), held.sight, held.message)
        return None

    def _held(self) -> Iterator[Held]:
        for reel in self._reels.values():
            yield from reel.pictures.values()

    def _bound_waiting(self) -> None:
        waiting = [held for held in self._held() if not held.developed]
        if len(waiting) > MOST_WAITING:
            self.give_up(min(waiting, key=lambda held: held.came_s))

    def _bound_bytes(self) -> None:
        kept = sorted(self._held(), key=lambda held: held.came_s)
        size = sum(held.size for held in kept)
        for held in kept[:-1]:
            if size <= MOST_BYTES:
                break
            size -= held.size
            self.give_up(held)
