"""Messages as server-sent events: a bounded queue per listener, next to nothing without listeners.

The data of an event is the message that ZeroMQ subscribers get (docs/messages.md), of every kind
but heartbeats. A listener that reads slowly loses the oldest and is told how many.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from daemon.clock import Clock
from daemon.http.errors import ApiError
from daemon.http.streaming import Chunks, EndlessResponse
from sinks.envelope import Envelope, stamped
from sinks.messages import CountMessage, HeartbeatMessage, encoder

MAX_LISTENERS = 16
CAPACITY = 256  # events that wait for one listener; beyond, the oldest is dropped
ALIVE_S = 5.0  # of silence, after which a comment says that the daemon still lives
RETRY_MS = 2000
MEDIA_TYPE = "text/event-stream"

_json = encoder("json")


class Event:
    """One message for all listeners; put into bytes by the first that sends it. Event loop only."""

    def __init__(self, envelope: Envelope, camera: str) -> None:
        self.camera = camera
        self._envelope = envelope
        self._text = b""

    def text(self, clock: Clock) -> bytes:
        if not self._text:
            now = stamped(self._envelope, wall_ns=clock.wall_ns(), now_s=clock.now_s())
            self._text = b"event: %b\ndata: %b\n\n" % (now.kind.encode(), _json(now))
        return self._text


class EventReader:
    """The queue of one listener: `put` by any thread, `take` in the event loop it was made in."""

    def __init__(self, camera: str | None, capacity: int) -> None:
        self.dropped = 0
        self._camera = camera  # None: of all cameras
        self._queue: deque[Event] = deque(maxlen=capacity)
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._called = asyncio.Event()
        self._over = False

    def put(self, event: Event) -> None:
        """Never waits; the oldest event makes room."""
        if self._camera not in (None, event.camera):
            return
        with self._lock:
            asleep = not self._queue
            self.dropped += len(self._queue) == self._queue.maxlen
            self._queue.append(event)
        if asleep:
            with suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._called.set)

    async def take(self, timeout_s: float) -> list[Event] | None:
        """All that waits; empty where nothing came in time; None when nothing more will come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._called.wait()
        self._called.clear()
        with self._lock:
            events = list(self._queue)
            self._queue.clear()
        return None if self._over else events

    def end(self) -> None:
        """Event loop only."""
        self._over = True
        self._called.set()


class EventFeed:
    """Who listens. `put` may be called from any thread, the rest belongs to the event loop."""

    def __init__(
        self, clock: Clock, *, max_listeners: int = MAX_LISTENERS, capacity: int = CAPACITY
    ) -> None:
        self._clock = clock
        self._max_listeners = max_listeners
        self._capacity = capacity
        self._listeners: tuple[EventReader, ...] = ()  # replaced as a whole: `put` needs no lock
        self._dropped = 0  # for listeners that left
        self._counts: dict[str, CountMessage] = {}  # the newest of each camera
        self._closed = False

    def put(self, envelope: Envelope) -> None:
        """Tell everyone who listens; never waits."""
        listeners = self._listeners
        message = envelope.message
        if isinstance(message, CountMessage):
            self._counts[message.camera] = message
        if not listeners or isinstance(message, HeartbeatMessage):
            return
        event = Event(envelope, message.camera)
        for listener in listeners:
            listener.put(event)

    def counts(self, camera: str) -> CountMessage | None:
        """The newest of this camera; None before the first."""
        return self._counts.get(camera)

    @asynccontextmanager
    async def listen(self, camera: str | None) -> AsyncIterator[EventReader]:
        """Be a listener. Raises ApiError where there are too many already."""
        if self._closed or len(self._listeners) >= self._max_listeners:
            detail = f"{self._max_listeners} listeners are the most this daemon serves"
            raise ApiError(503, "too_many_listeners", detail, headers={"retry-after": "5"})
        listener = EventReader(camera, self._capacity)
        self._listeners += (listener,)
        try:
            yield listener
        finally:
            self._listeners = tuple(one for one in self._listeners if one is not listener)
            self._dropped += listener.dropped

    def response(self, camera: str | None, *, alive_s: float = ALIVE_S) -> EndlessResponse:
        """The events of one camera, or of all, until the listener leaves or the feed closes."""
        return EndlessResponse(self._heard(camera, alive_s), MEDIA_TYPE)

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    @property
    def dropped(self) -> int:
        """Events that listeners were too slow for, since the start."""
        return self._dropped + sum(listener.dropped for listener in self._listeners)

    def close(self) -> None:
        """End every listener's answer and refuse new ones."""
        self._closed = True
        for listener in self._listeners:
            listener.end()

    @asynccontextmanager
    async def _heard(self, camera: str | None, alive_s: float) -> AsyncIterator[Chunks]:
        async with self.listen(camera) as listener:
            yield self._texts(listener, alive_s)

    async def _texts(self, listener: EventReader, alive_s: float) -> Chunks:
        yield b"retry: %d\n\n" % RETRY_MS
        told = 0
        while (events := await listener.take(alive_s)) is not None:
            dropped = listener.dropped
            if dropped > told:
                yield b'event: lost\ndata: {"events":%d}\n\n' % (dropped - told)
                told = dropped
            yield b"".join(event.text(self._clock) for event in events) or b": alive\n\n"
