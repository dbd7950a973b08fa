"""Live pictures as one endless multipart answer per viewer; event loop of the HTTP thread.

Each watched camera has one producer, whatever the number of its viewers; nobody watches, nothing is
drawn. A viewer that reads slowly misses pictures, one that stops reading is sent away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from daemon.http.hardening import ApiError
from daemon.http.pictures import PictureMaker

log = logging.getLogger(__name__)

MAX_VIEWERS = 16
MAX_FPS = 10.0
MAX_WIDTH = 960
WAIT_S = 0.5  # for a newer picture; a thread outlives its last viewer by no more than this
SEND_TIMEOUT_S = 10.0  # a viewer that takes no bytes for so long is gone
BOUNDARY = "picture"


class Channel:
    """The newest JPEG of one watched camera, shared by its viewers. Event loop only."""

    def __init__(self) -> None:
        self.viewers = 0
        self.over = False
        self.number = 0
        self._jpeg = b""
        self._changed = asyncio.Condition()

    async def newer(self, than: int) -> tuple[int, bytes] | None:
        """Number and JPEG once the number is not `than`; None when nothing more will come."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.over or self.number != than)
        return None if self.over else (self.number, self._jpeg)

    async def put(self, number: int, jpeg: bytes) -> None:
        async with self._changed:
            self.number, self._jpeg = number, jpeg
            self._changed.notify_all()

    async def end(self) -> None:
        async with self._changed:
            self.over = True
            self._changed.notify_all()


class LiveFeed:
    """The channels of the cameras that are watched. Event loop only."""

    def __init__(
        self, maker: PictureMaker, *, max_viewers: int = MAX_VIEWERS, max_fps: float = MAX_FPS
    ) -> None:
        self._maker = maker
        self._max_viewers = max_viewers
        self._period_s = 1 / max_fps
        self._channels: dict[str, tuple[Channel, asyncio.Task[None]]] = {}
        self._threads = ThreadPoolExecutor(max_viewers, thread_name_prefix="http:live")
        self._closed = False

    @asynccontextmanager
    async def watch(self, camera: str) -> AsyncIterator[Channel]:
        """Be a viewer of a camera. Raises ApiError where there are too many already."""
        if self._closed or self.viewers >= self._max_viewers:
            detail = f"{self._max_viewers} viewers are the most this daemon serves"
            raise ApiError(503, "too_many_viewers", detail, retry_after_s=5)
        channel = self._channel(camera)
        channel.viewers += 1
        try:
            yield channel
        finally:
            channel.viewers -= 1
            if channel.viewers == 0:
                self._drop(camera, channel)

    @property
    def viewers(self) -> int:
        return sum(channel.viewers for channel, _ in self._channels.values())

    def close(self) -> None:
        """End every viewer's answer and refuse new ones."""
        self._closed = True
        for camera, (channel, _) in list(self._channels.items()):
            self._drop(camera, channel)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _channel(self, camera: str) -> Channel:
        known = self._channels.get(camera)
        if known is not None and not known[0].over:
            return known[0]
        channel = Channel()
        self._channels[camera] = (channel, asyncio.create_task(self._produce(camera, channel)))
        return channel

    def _drop(self, camera: str, channel: Channel) -> None:
        known = self._channels.get(camera)
        if known is not None and known[0] is channel:
            known[1].cancel()
            del self._channels[camera]

    async def _produce(self, camera: str, channel: Channel) -> None:
        loop = asyncio.get_running_loop()
        render = partial(self._maker.next_jpeg, camera, max_width=MAX_WIDTH, timeout_s=WAIT_S)
        try:
            while True:
                due_s = loop.time() + self._period_s
                made = await loop.run_in_executor(self._threads, render, channel.number)
                if made is not None:
                    await channel.put(*made)
                    await asyncio.sleep(max(0.0, due_s - loop.time()))
        except Exception:
            log.exception("live pictures ended camera=%s", camera)
        finally:
            await channel.end()


class MjpegResponse(Response):
    """A camera's pictures until the viewer leaves, hangs, or the feed is closed."""

    media_type = f"multipart/x-mixed-replace; boundary={BOUNDARY}"

    def __init__(
        self, feed: LiveFeed, camera: str, *, send_timeout_s: float = SEND_TIMEOUT_S
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._feed = feed
        self._camera = camera
        self._send_timeout_s = send_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._feed.watch(self._camera) as channel:
            try:
                async with asyncio.TaskGroup() as group:
                    leaving = group.create_task(_leave(receive))
                    await self._stream(channel, send)
                    leaving.cancel()
            except* _ViewerLeftError:
                pass
            except* TimeoutError:
                log.info("viewer stopped reading camera=%s", self._camera)

    async def _stream(self, channel: Channel, send: Send) -> None:
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        number = 0
        while (newer := await channel.newer(number)) is not None:
            number, jpeg = newer
            async with asyncio.timeout(self._send_timeout_s):
                await send({"type": "http.response.body", "body": part(jpeg), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _ViewerLeftError(Exception):
    """Ends the stream from the task that listens for the viewer."""


async def _leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _ViewerLeftError


def part(jpeg: bytes) -> bytes:
    """One picture of a multipart answer."""
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode("ascii") + jpeg + b"\r\n"
