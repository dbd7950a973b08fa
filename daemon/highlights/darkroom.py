"""The thread `highlights`: encodes the pictures of objects' best moments, and tells who subscribed.

The results thread only hands over references. Whatever nobody wants is not looked at.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable

from daemon.books.reports import QueueReport
from daemon.clock import Clock
from daemon.highlights.cabinet import MOST_WAITING, Best, Cabinet, Job
from daemon.highlights.develop import developed, looked_at
from daemon.nice import be_nice
from daemon.seats.seat import Seat
from daemon.seats.sight import Sight
from sinks.highlights import Highlight, Listener, Look
from sinks.messages import DetectionMessage, EventMessage

log = logging.getLogger(__name__)

TURN_S = 0.25
SHARE = 0.15  # of a core, at most


class Darkroom:
    """Implements `sinks.highlights.Highlights`. `use`, `start`, `stop` belong to the main thread;
    `see` and `tell` to whoever holds the seat; the rest to any thread.
    """

    def __init__(self, clock: Clock, *, share: float = SHARE) -> None:
        self._rest_per_work = 1 / share - 1
        self._cabinet = Cabinet(clock)
        self._subscriptions: tuple[_Subscription, ...] = ()  # replaced as a whole
        self._over = False
        self._thread = threading.Thread(target=self._run, name="highlights")

    def use(self, seats: Iterable[Seat], *, full: Iterable[Seat] = ()) -> None:
        """These cameras are there; of `full` ones pictures are kept in full size, whether or not
        anybody subscribes.
        """
        self._cabinet.use(seats, full)

    def start(self) -> None:
        self._thread.start()

    def see(self, seat: Seat, sight: Sight, message: DetectionMessage) -> None:
        """An answer of a camera. Does not wait."""
        if self._subscriptions or self._cabinet.keeps(seat):
            self._cabinet.see(seat, sight, message)

    def tell(self, seat: Seat, event: EventMessage) -> None:
        """An event of a camera, after the answer that it is of. Does not wait."""
        if self._subscriptions or self._cabinet.keeps(seat):
            self._cabinet.tell(seat, event)

    def subscribe(self, look: Look, listener: Listener | None = None) -> _Subscription:
        subscription = _Subscription(self, look, listener)
        with self._cabinet.changed:
            self._subscriptions = (*self._subscriptions, subscription)
            self._cabinet.changed.notify_all()
        return subscription

    def unsubscribe(self, subscription: _Subscription) -> None:
        with self._cabinet.changed:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)

    def best(self, object_id: str, *, wait_s: float = 0.0) -> Best | None:
        """See `sinks.highlights.Subscription.of`."""
        return self._cabinet.best(object_id, wait_s)

    def report(self) -> QueueReport:
        return QueueReport("highlights", self._cabinet.waiting, MOST_WAITING)

    @property
    def missed(self) -> int:
        """Pictures that were given up because too many waited, or took too much."""
        return self._cabinet.missed

    def stop(self, timeout_s: float) -> bool:
        """Tell how the objects ended that are gone; False if that takes longer."""
        with self._cabinet.changed:
            self._over = True
            self._cabinet.changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        be_nice()
        while not self._over:
            self._turn()
            with self._cabinet.changed:
                self._cabinet.changed.wait_for(self._is_hurried, None if self._idle else TURN_S)
        self._turn()

    @property
    def _idle(self) -> bool:
        return not self._subscriptions and not self._cabinet.keeps_some

    def _is_hurried(self) -> bool:
        return self._over or (not self._idle and self._cabinet.job() is not None)

    def _turn(self) -> None:
        """Develop what is due, tell who should know."""
        while job := self._cabinet.job():
            began_s = time.thread_time()
            self._develop(job)
            self._tell()
            took_s = time.thread_time() - began_s
            with self._cabinet.changed:
                self._cabinet.changed.wait_for(lambda: self._over, took_s * self._rest_per_work)
        self._tell()
        self._cabinet.forget()
        if self._idle:
            self._cabinet.clear()

    def _develop(self, job: Job) -> None:
        try:
            sight, size = developed(job.held.sight, full=job.full)
        except Exception:
            log.exception("a picture could not be encoded camera=%s", job.held.message.camera)
            self._cabinet.give_up(job.held)
        else:
            self._cabinet.put(job.held, sight, size)

    def _tell(self) -> None:
        for best in self._cabinet.due():
            for subscription in self._subscriptions:
                subscription.tell(best)


class _Subscription:
    """Implements `sinks.highlights.Subscription`."""

    def __init__(self, darkroom: Darkroom, look: Look, listener: Listener | None) -> None:
        self._darkroom = darkroom
        self._look = look
        self._listener = listener
        self._telling = threading.RLock()  # a listener may close its own
        self._failed = False

    def of(self, object_id: str, *, wait_s: float = 0.0) -> Highlight | None:
        best = self._darkroom.best(object_id, wait_s=wait_s)
        return None if best is None else self._highlight(best)

    def close(self) -> None:
        self._darkroom.unsubscribe(self)
        with self._telling:
            self._listener = None

    def tell(self, best: Best) -> None:
        """Call the listener. Raises nothing."""
        with self._telling:
            if self._listener is None:
                return
            try:
                self._listener(self._highlight(best))
            except Exception:
                if not self._failed:
                    log.exception("a picture was not taken camera=%s", best.message.camera)
                self._failed = True

    def _highlight(self, best: Best) -> Highlight:
        subject = best.subject
        return Highlight(
            id=subject.id,
            camera=best.message.camera,
            track=subject.track,
            label=subject.label,
            score=subject.best.score,
            box=subject.best.box,
            size=best.sight.source_wh,
            captured_ns=subject.best.captured_ns,
            ended=subject.ended,
            jpeg=looked_at(best.sight, self._look, subject.label, subject.best),
        )
