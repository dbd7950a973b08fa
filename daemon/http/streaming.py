"""Answers without an end: live pictures and events. Event loop of the HTTP thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Chunks = AsyncGenerator[bytes, None]


class EndlessResponse(Response):
    """Sends chunks until there are no more, or the peer leaves; one that takes nothing is sent away
    by its connection.

    Entering `source` reserves what the answer needs; an ApiError raised there is still an answer.
    """

    def __init__(self, source: AbstractAsyncContextManager[Chunks], media_type: str) -> None:
        super().__init__(media_type=media_type, headers={"x-accel-buffering": "no"})  # to nginx
        del self.headers["content-length"]
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._source as chunks, aclosing(chunks):
            try:
                async with asyncio.TaskGroup() as group:
                    leaving = group.create_task(peer_leaves(receive))
                    await self._stream(chunks, send)
                    leaving.cancel()
            except* PeerLeftError:
                pass

    async def _stream(self, chunks: Chunks, send: Send) -> None:
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class PeerLeftError(Exception):
    """Ends the stream from the task that listens for the peer."""


async def peer_leaves(receive: Receive) -> None:
    """Raises PeerLeftError once it has."""
    while (await receive())["type"] != "http.disconnect":
        pass
    raise PeerLeftError
