"""Who watches what, and the pictures made for them; event loop of the HTTP thread.

Each look at a camera (its width, with boxes or without) has one producer, whatever the number of
its viewers; nobody watches, nothing is drawn. A viewer that reads slowly misses pictures.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from daemon.http.errors import ApiError
from daemon.http.pictures import PictureMaker, Print
from daemon.seats.sight import Sight, Sights

log = logging.getLogger(__name__)

MAX_VIEWERS = 16
MAX_FPS = 10.0
LOOK_S = 0.04  # between two looks for something newer


class Look(NamedTuple):
    """What somebody watches."""

    camera: str
    max_width: int
    boxes: bool


class Viewer:
    """One answer without an end; the newest print of each of its looks waits for it."""

    def __init__(self) -> None:
        self._waiting: dict[Look, Print] = {}
        self._called = asyncio.Event()
        self._over = False

    def give(self, look: Look, picture: Print) -> None:
        """Replaces what was not taken yet."""
        self._waiting[look] = picture
        self._called.set()

    async def take(self) -> dict[Look, Print] | None:
        """What is new since the last time, once there is something; None when it is over."""
        await self._called.wait()
        self._called.clear()
        taken, self._waiting = self._waiting, {}
        return None if self._over else taken

    def end(self) -> None:
        self._over = True
        self._called.set()


@dataclass(slots=True)
class _Channel:
    """One look and those who share it."""

    viewers: set[Viewer] = field(default_factory=set)
    newest: Print | None = None
    producer: asyncio.Task[None] | None = None


class LiveFeed:
    """The looks that are watched. Event loop only."""

    def __init__(
        self,
        sights: Sights,
        maker: PictureMaker,
        *,
        max_viewers: int = MAX_VIEWERS,
        max_fps: float = MAX_FPS,
    ) -> None:
        self._sights = sights
        self._maker = maker
        self._max_viewers = max_viewers
        self._period_s = 1 / max_fps
        self._channels: dict[Look, _Channel] = {}
        self._viewers: set[Viewer] = set()
        self._closed = False

    @asynccontextmanager
    async def watch(self, *looks: Look) -> AsyncIterator[Viewer]:
        """Be a viewer. Raises ApiError where there are too many already."""
        if self._closed or self.viewers >= self._max_viewers:
            detail = f"{self._max_viewers} viewers are the most this daemon serves"
            raise ApiError(503, "too_many_viewers", detail, headers={"retry-after": "5"})
        viewer = Viewer()
        self._viewers.add(viewer)
        for look in looks:
            self._join(look, viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)
            for look in looks:
                self._leave(look, viewer)

    @property
    def viewers(self) -> int:
        return len(self._viewers)

    @property
    def watched(self) -> frozenset[str]:
        """Cameras that are drawn for somebody."""
        return frozenset(look.camera for look in self._channels)

    def close(self) -> None:
        """End every viewer's answer and refuse new ones."""
        self._closed = True
        for look in list(self._channels):
            self._end(look)
        for viewer in self._viewers:
            viewer.end()

    def _join(self, look: Look, viewer: Viewer) -> None:
        channel = self._channels.get(look)
        if channel is None:
            channel = self._channels[look] = _Channel()
            channel.producer = asyncio.create_task(self._produce(look, channel))
        channel.viewers.add(viewer)
        if channel.newest is not None:
            viewer.give(look, channel.newest)

    def _leave(self, look: Look, viewer: Viewer) -> None:
        channel = self._channels.get(look)
        if channel is not None:
            channel.viewers.discard(viewer)
            if not channel.viewers:
                self._end(look)

    def _end(self, look: Look) -> None:
        channel = self._channels.pop(look)
        if channel.producer is not None:
            channel.producer.cancel()

    async def _produce(self, look: Look, channel: _Channel) -> None:
        try:
            await self._film(look, channel)
        except ApiError:
            pass  # the daemon is being stopped
        except Exception:
            log.exception("live pictures ended camera=%s", look.camera)
        if self._channels.get(look) is channel:
            del self._channels[look]
        for viewer in channel.viewers:
            viewer.end()

    async def _film(self, look: Look, channel: _Channel) -> None:
        """For ever. It looks for the newest: waiting would take a thread per camera."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + self._period_s
            sight = self._sights.latest(look.camera)
            shown = channel.newest
            if sight is None or (shown is not None and shown.sight.number == sight.number):
                await asyncio.sleep(min(LOOK_S, self._period_s))
                continue
            picture = await self._maker.print(
                lambda known=sight: self._newest(look.camera, known),  # type: ignore[misc]
                max_width=look.max_width,
                boxes=look.boxes,
            )
            channel.newest = picture
            for viewer in channel.viewers:
                viewer.give(look, picture)
            await asyncio.sleep(max(0.0, due_s - loop.time()))

    def _newest(self, camera: str, known: Sight) -> Sight:
        """Any thread."""
        return self._sights.latest(camera) or known
