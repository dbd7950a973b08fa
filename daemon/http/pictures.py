"""Pictures for people who watch: drawn and encoded on demand, by one thread that yields to others.

However many watch, drawing takes at most `SHARE` of one core; beyond that pictures become rarer.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from daemon.answers.annotate import annotate, encode_jpeg
from daemon.http.errors import ApiError
from daemon.nice import be_nice
from daemon.seats.sight import Sight

SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Print:
    """A sight as a JPEG."""

    sight: Sight
    jpeg: bytes


class PictureMaker:
    """Turns sights into JPEGs; the thread is called `http:draw`. Event loop only."""

    def __init__(self, *, share: float = SHARE) -> None:
        self._rest_per_work = 1 / share - 1
        self._rested_s = 0.0  # when the next picture may be begun
        self._closing = threading.Event()
        self._drawer = ThreadPoolExecutor(1, thread_name_prefix="http:draw", initializer=be_nice)

    async def jpeg(self, sight: Sight, *, max_width: int | None, boxes: bool = True) -> bytes:
        """Waits for its turn. Raises ApiError after `close`."""
        return (await self.print(lambda: sight, max_width=max_width, boxes=boxes)).jpeg

    async def print(
        self, newest: Callable[[], Sight], *, max_width: int | None, boxes: bool
    ) -> Print:
        """Of what is the newest sight when its turn comes. Raises ApiError after `close`."""
        if self._closing.is_set():
            raise _stopping()
        draw = partial(self._print, newest, max_width, boxes)
        return await asyncio.get_running_loop().run_in_executor(self._drawer, draw)

    def close(self) -> None:
        """Returns at once; the picture that is being made is the last one."""
        self._closing.set()
        self._drawer.shutdown(wait=False)

    def _print(self, newest: Callable[[], Sight], max_width: int | None, boxes: bool) -> Print:
        if self._closing.wait(max(0.0, self._rested_s - time.monotonic())):
            raise _stopping()
        began_s = time.monotonic()
        sight = newest()
        bgr = sight.picture.to_bgr(max_width)
        if boxes:
            scale = bgr.shape[1] / sight.source_wh[0]
            bgr = annotate(bgr, sight.detections, sight.labels, scale=scale)
        jpeg = encode_jpeg(bgr)
        ended_s = time.monotonic()
        self._rested_s = ended_s + (ended_s - began_s) * self._rest_per_work
        return Print(sight, jpeg)


def _stopping() -> ApiError:
    return ApiError(503, "stopping", "the daemon is being stopped")
