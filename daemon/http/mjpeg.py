"""Live pictures as one endless multipart answer: of one camera for any program, of many for the
page. Event loop of the HTTP thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec

from daemon.http.feed import LiveFeed, Look, Viewer
from daemon.http.pictures import Print
from daemon.http.shapes import Json
from daemon.http.streaming import Chunks, EndlessResponse

MAX_WIDTH = 960  # of one camera's pictures
BOUNDARY = "picture"
REPLACING = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
MIXED = f"multipart/mixed; boundary={BOUNDARY}"

Describe = Callable[[str, Print], Json]


def live_response(feed: LiveFeed, camera: str) -> EndlessResponse:
    """A camera's pictures with boxes until the viewer leaves or hangs, or the feed is closed."""
    look = Look(camera, MAX_WIDTH, boxes=True)
    return EndlessResponse(_parts(feed, [look]), REPLACING)


def mosaic_response(
    feed: LiveFeed, looks: Sequence[Look], describe: Describe, *, once: bool = False
) -> EndlessResponse:
    """The pictures of many cameras as they come, each after a part of JSON that describes it;
    `once`: the newest of each, and no more.
    """
    return EndlessResponse(_parts(feed, looks, describe, once=once), MIXED)


@asynccontextmanager
async def _parts(
    feed: LiveFeed, looks: Sequence[Look], describe: Describe | None = None, *, once: bool = False
) -> AsyncIterator[Chunks]:
    async with feed.watch(*looks) as viewer:
        yield _each_new(viewer, describe, set(looks) if once else None)


async def _each_new(viewer: Viewer, describe: Describe | None, missing: set[Look] | None) -> Chunks:
    """Ends when nothing more will come, and when nothing is `missing` any more."""
    yield f"--{BOUNDARY}\r\n".encode("ascii")
    while missing != set() and (taken := await viewer.take()) is not None:
        if missing is not None:
            missing -= set(taken)
        for look, picture in taken.items():
            said = b""
            if describe is not None:
                text = msgspec.json.encode(describe(look.camera, picture))
                said = part(text, "application/json")
            yield said + part(picture.jpeg, "image/jpeg")


def part(body: bytes, media_type: str) -> bytes:
    """One part of a multipart answer, and the boundary after it: browsers show a picture only
    when they see its end, and the next one may be long in coming.
    """
    head = f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode("ascii") + body + f"\r\n--{BOUNDARY}\r\n".encode("ascii")
