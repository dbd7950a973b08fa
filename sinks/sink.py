"""What a sink is, and the thread that feeds it.

SinkError          a sink cannot be opened, or a message could not be delivered
  TryAgainError    it may be later: the message is kept
  TooOldError      nobody wants it any more
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from config.camera import CameraConfig
from sinks.clock import Clock
from sinks.envelope import Envelope
from sinks.messages import Kind
from sinks.outbox import Outbox

IDLE_S = 0.05  # between two calls of a quiet sink's `idle`
RETRY_S = 1.0  # rest after a failure
CLOSE_S = 0.5  # what `close` may take

log = logging.getLogger(__name__)


class SinkError(Exception):
    """One line that says what went wrong with which endpoint or file."""


class TryAgainError(SinkError):
    """The message is kept and tried again after `after_s`, while the queue behind it fills."""

    def __init__(self, text: str, *, after_s: float) -> None:
        super().__init__(text)
        self.after_s = after_s


class TooOldError(SinkError):
    """Its turn came too late; says nothing of the sink."""


class Loss(StrEnum):
    """Why a message was not sent; the `reason` label of `vedette_publish_dropped_total`."""

    HWM = "hwm"  # the outbox was full
    ERROR = "error"  # the sink refused it
    STALE = "stale"  # too old when its turn came
    SHUTDOWN = "shutdown"  # still queued when the daemon had to stop
    FENCED = "fenced"  # in a fleet: its grant ended before it was sent
    AWAY = "away"  # who it is for was away for so long that the sink's queue was full


class Sink(Protocol):
    """A place where messages go. `open` runs in the starting thread, for a clear error at
    start-up; everything after it in the sink's own thread.
    """

    @property
    def name(self) -> str:
        """Label of metrics and log lines, as in `zeromq`."""
        ...

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it takes; anything else is not queued for it."""
        ...

    def open(self) -> None:
        """Bind or open. Raises SinkError."""
        ...

    def write(self, envelope: Envelope) -> int | None:
        """Stamp and send one message; returns its size in bytes, or None where it is sent later:
        then `later` tells what became of it. Raises SinkError.
        """
        ...

    def idle(self) -> None:
        """Housekeeping, at least every `IDLE_S`. Raises SinkError."""
        ...

    def close(self) -> None:
        """Release everything within `CLOSE_S`. Does nothing where nothing is open."""
        ...


@runtime_checkable
class Choosy(Protocol):
    """A sink that wants some messages of a kind, perhaps later."""

    def sift(self, envelope: Envelope) -> Iterable[Envelope]:
        """What is to be queued now that this one was published; never waits. Whoever publishes."""
        ...


@runtime_checkable
class Slow(Protocol):
    """A sink that may take seconds to send one message."""

    def hurry(self, left_s: float) -> None:
        """It is stopped: what is being sent must be over within that time. Any thread."""
        ...


@dataclass(frozen=True, slots=True)
class SinkCounts:
    """One sink's books: what was put is published, dropped, or still queued, which the one that is
    being sent counts for too. `retries`: how often one was tried again.
    """

    published: dict[Kind, int]
    published_bytes: int
    dropped: dict[Loss, int]
    queued: int
    retries: int = 0

    def __add__(self, other: SinkCounts) -> SinkCounts:
        return SinkCounts(
            {kind: number + other.published[kind] for kind, number in self.published.items()},
            self.published_bytes + other.published_bytes,
            {loss: number + other.dropped[loss] for loss, number in self.dropped.items()},
            self.queued + other.queued,
            self.retries + other.retries,
        )


@runtime_checkable
class KnowsCameras(Protocol):
    """A sink that has something for each camera, whether anything is said of it or not."""

    def use_cameras(self, cameras: Mapping[str, CameraConfig]) -> None:
        """There are these from now on; returns at once. Main thread."""
        ...


@runtime_checkable
class LateSink(Protocol):
    """A sink that has a queue of its own, for a place that may be away for long."""

    def later(self) -> SinkCounts:
        """What became of the messages for which `write` returned None. Any thread."""
        ...


class SinkWorker:
    """The thread of one sink. It survives what the sink raises: the message is counted as lost,
    the sink rests for `RETRY_S` while the outbox fills, and only a change for the worse or the
    better is logged. A message that may be sent later is held, first in the queue.

    `on_published` is given each message that was sent, and how many seconds encoding and sending it
    took, in the sink's thread.
    """

    def __init__(
        self,
        sink: Sink,
        clock: Clock,
        *,
        capacity: int = 1000,
        on_published: Callable[[Envelope, float], None] = lambda _envelope, _took_s: None,
    ) -> None:
        self._sink = sink
        self._sift = sink.sift if isinstance(sink, Choosy) else None
        self._clock = clock
        self.capacity = capacity
        self._outbox = Outbox(capacity)
        self._on_published = on_published
        self._books = _Books()
        self._health = _Health(sink.name)
        self._held: Envelope | None = None  # being sent, or to be tried again
        self._deadline_s = math.inf  # of draining, set by stop
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        return self._sink.name

    @property
    def failing(self) -> str:
        """Why messages are not sent, '' while they are. Any thread."""
        return self._health.failing

    def open(self) -> None:
        """Open the sink, in the calling thread. Raises SinkError."""
        self._sink.open()

    def start(self) -> None:
        """Hand the open sink over to its thread (starting a thread is a full fence)."""
        self._thread = threading.Thread(target=self._run, name=f"sink:{self.name}")
        self._thread.start()

    def put(self, envelope: Envelope) -> None:
        """Queue a message, or what a choosy sink makes of it; never waits. Any thread, one at a
        time.
        """
        if self._sift is not None:
            for chosen in self._sift(envelope):
                self._queue(chosen)
        elif envelope.kind in self._sink.kinds:
            self._queue(envelope)

    def stop(self, deadline_s: float) -> bool:
        """Send what is queued for at most `deadline_s`, drop and count the rest, close the sink.

        False where the sink did not come back in time. May be called again.
        """
        self.request_stop(deadline_s)
        return self.join(deadline_s)

    def request_stop(self, deadline_s: float) -> None:
        """Let the thread drain for at most that long and end; returns at once."""
        self._deadline_s = self._clock.now_s() + deadline_s
        self._outbox.close()
        if isinstance(self._sink, Slow):
            self._sink.hurry(deadline_s)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of a requested stop, and `CLOSE_S` more; False if that is too short."""
        if self._thread is None:
            self._finish()
            return True
        self._thread.join(timeout_s + CLOSE_S)
        if self._thread.is_alive():
            log.warning("sink did not stop in time sink=%s", self.name)
            return False
        return True

    def counts(self) -> SinkCounts:
        """A snapshot. Any thread."""
        queued = len(self._outbox) + (self._held is not None)
        counts = self._books.snapshot(hwm=self._outbox.dropped, queued=queued)
        return counts + self._sink.later() if isinstance(self._sink, LateSink) else counts

    def _queue(self, envelope: Envelope) -> None:
        if not self._outbox.put(envelope):
            self._books.lost(Loss.SHUTDOWN)

    def _run(self) -> None:
        try:
            while not self._finished():
                try:
                    self._turn()
                except SinkError as error:
                    self._health.failed(error)
                except Exception as error:  # a bug in a sink must not end its messages for good
                    self._health.failed(error, unexpected=True)
        finally:
            self._finish()

    def _finished(self) -> bool:
        if not self._outbox.closed:
            return False
        if self._held is not None and self._clock.now_s() < self._health.rest_until_s:
            return True  # its receiver wants more time than there is
        is_empty = len(self._outbox) == 0 and self._held is None
        return is_empty or self._clock.now_s() >= self._deadline_s

    def _turn(self) -> None:
        sent = False
        resting = self._clock.now_s() < self._health.rest_until_s
        if not resting or self._outbox.wait_closed(IDLE_S):
            self._held = self._held or self._outbox.get(IDLE_S)
            sent = self._held is not None and self._publish(self._held)
        self._sink.idle()
        if sent:
            self._health.worked()

    def _publish(self, envelope: Envelope) -> bool:
        """Send what is held; it is held no more, unless it is to be tried again."""
        started_s = self._clock.now_s()
        if not envelope.may_be_sent(started_s):
            self._lose(Loss.FENCED)
            return False
        try:
            size = self._sink.write(envelope)
        except TryAgainError as error:
            self._books.tried()
            self._health.rest_until_s = self._clock.now_s() + error.after_s
            raise
        except TooOldError:
            self._lose(Loss.STALE)
            return False
        except Exception:
            self._lose(Loss.ERROR)
            self._health.rest_until_s = started_s + RETRY_S
            raise
        if size is not None:
            self._books.published(envelope.kind, size)
        self._held = None
        self._on_published(envelope, self._clock.now_s() - started_s)
        return True

    def _lose(self, loss: Loss) -> None:
        self._books.lost(loss)
        self._held = None

    def _finish(self) -> None:
        if self._held is not None:
            self._lose(Loss.SHUTDOWN)
        self._books.lost(Loss.SHUTDOWN, self._outbox.clear())
        try:
            self._sink.close()
        except Exception as error:
            self._health.failed(error, unexpected=True)


class _Books:
    """What became of the messages; the sink's thread writes, anyone reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._published = dict.fromkeys(Kind, 0)
        self._bytes = 0
        self._dropped = dict.fromkeys(Loss, 0)
        self._retries = 0

    def tried(self) -> None:
        """In vain, and not for the last time."""
        with self._lock:
            self._retries += 1

    def published(self, kind: Kind, size: int) -> None:
        with self._lock:
            self._published[kind] += 1
            self._bytes += size

    def lost(self, loss: Loss, count: int = 1) -> None:
        with self._lock:
            self._dropped[loss] += count

    def snapshot(self, *, hwm: int, queued: int) -> SinkCounts:
        with self._lock:
            dropped = self._dropped | {Loss.HWM: hwm}
            return SinkCounts(dict(self._published), self._bytes, dropped, queued, self._retries)


class _Health:
    """Whether the sink works. Logs once when it stops working and once when it works again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.failing = ""
        self.rest_until_s = -math.inf

    def failed(self, error: Exception, *, unexpected: bool = False) -> None:
        if not self.failing:
            log.warning("sink failing sink=%s error=%s", self._name, error, exc_info=unexpected)
        self.failing = type(error).__name__ if unexpected else str(error)

    def worked(self) -> None:
        if self.failing:
            log.info("sink works again sink=%s", self._name)
        self.failing = ""
