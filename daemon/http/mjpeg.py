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

from daemon.answers.live import LiveBoard
from daemon.http.errors import ApiError
from daemon.http.pictures import PictureMaker
from daemon.http.streaming import SEND_TIMEOUT_S, Chunks, EndlessResponse

log = logging.getLogger(__name__)

MAX_VIEWERS = 16
MAX_FPS = 10.0
MAX_WIDTH = 960
WAIT_S = 0.5  # for a newer picture; a thread outlives its last viewer by no more than this
BOUNDARY = "picture"
MEDIA_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"


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
        self,
        board: LiveBoard,
        maker: PictureMaker,
        *,
        max_viewers: int = MAX_VIEWERS,
        max_fps: float = MAX_FPS,
    ) -> None:
        self._board = board
        self._maker = maker
        self._max_viewers = max_viewers
        self._period_s = 1 / max_fps
        self._channels: dict[str, tuple[Channel, asyncio.Task[None]]] = {}
        self._waiters = ThreadPoolExecutor(max_viewers, thread_name_prefix="http:live")
        self._closed = False

    @asynccontextmanager
    async def watch(self, camera: str) -> AsyncIterator[Channel]:
        """Be a viewer of a camera. Raises ApiError where there are too many already."""
        if self._closed or self.viewers >= self._max_viewers:
            detail = f"{self._max_viewers} viewers are the most this daemon serves"
            raise ApiError(503, "too_many_viewers", detail, headers={"retry-after": "5"})
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
        self._waiters.shutdown(wait=False, cancel_futures=True)

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
        try:
            while True:
                due_s = loop.time() + self._period_s
                sight = await loop.run_in_executor(
                    self._waiters, self._board.newer, camera, channel.number, WAIT_S
                )
                if sight is not None:
                    jpeg = await self._maker.jpeg(sight, max_width=MAX_WIDTH)
                    await channel.put(sight.number, jpeg)
                    await asyncio.sleep(max(0.0, due_s - loop.time()))
        except ApiError:
            pass  # the daemon is being stopped
        except Exception:
            log.exception("live pictures ended camera=%s", camera)
        finally:
            await channel.end()


def live_response(
    feed: LiveFeed, camera: str, *, send_timeout_s: float = SEND_TIMEOUT_S
) -> EndlessResponse:
    """A camera's pictures until the viewer leaves or hangs, or the feed is closed."""
    return EndlessResponse(_parts(feed, camera), MEDIA_TYPE, send_timeout_s=send_timeout_s)


@asynccontextmanager
async def _parts(feed: LiveFeed, camera: str) -> AsyncIterator[Chunks]:
    async with feed.watch(camera) as channel:
        yield _each_new(channel)


async def _each_new(channel: Channel) -> Chunks:
    yield f"--{BOUNDARY}\r\n".encode("ascii")
    number = 0
    while (newer := await channel.newer(number)) is not None:
        number, jpeg = newer
        yield part(jpeg)


def part(jpeg: bytes) -> bytes:
    """One picture of a multipart answer, and the boundary after it: browsers show a picture only
    when they see its end, and the next one may be long in coming.
    """
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode("ascii") + jpeg + f"\r\n--{BOUNDARY}\r\n".encode("ascii")
