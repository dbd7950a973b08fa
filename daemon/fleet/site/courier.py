"""Fetches an answer of a node's daemon piece by piece, with a bound on every wait. Event loop.

UnreachableError   the node does not answer, or not in time, or not in HTTP
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import h11

from config.urls import split_host_port

CONNECT_S = 2.0
HEAD_S = 10.0  # from the request to the head of its answer
SILENT_S = 60.0  # between two pieces: pictures of a camera that is down do not come for a while
PIECE_BYTES = 65_536
MAX_HEAD_BYTES = 16_384

Headers = Sequence[tuple[bytes, bytes]]


class UnreachableError(Exception):
    """The message says what went wrong, without an address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Its head, and the pieces of its body as they come. `pieces` raises UnreachableError where
    the body breaks off.
    """

    status: int
    headers: Headers
    pieces: AsyncGenerator[bytes, None]


@asynccontextmanager
async def fetch(node: str, method: str, target: bytes, headers: Headers) -> AsyncIterator[Answer]:
    """Ask the daemon that listens at `node`, as `host:port`. Raises UnreachableError."""
    reader, writer = await _connected(node)
    try:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        request = h11.Request(
            method=method,
            target=target,
            headers=[(b"host", node.encode()), (b"connection", b"close"), *headers],
        )
        conversation = _Conversation(connection, reader)
        try:
            async with asyncio.timeout(HEAD_S):
                writer.write(connection.send(request) or b"")
                writer.write(connection.send(h11.EndOfMessage()) or b"")
                await writer.drain()
                head = await conversation.head()
        except TimeoutError:
            msg = f"it has not answered for {HEAD_S:g} s"
            raise UnreachableError(msg) from None
        except (OSError, h11.ProtocolError) as error:
            msg = f"it broke off: {error}"
            raise UnreachableError(msg) from None
        yield Answer(head.status_code, list(head.headers), conversation.pieces())
    finally:
        writer.close()
        with suppress(OSError):
            writer.transport.abort()


async def _connected(node: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = split_host_port(node)
    try:
        async with asyncio.timeout(CONNECT_S):
            return await asyncio.open_connection(host, port, limit=PIECE_BYTES)
    except TimeoutError:
        msg = f"it has not taken up the connection for {CONNECT_S:g} s"
        raise UnreachableError(msg) from None
    except OSError as error:
        is_named = not isinstance(error, socket.gaierror) and error.errno
        msg = f"it cannot be reached: {os.strerror(is_named) if is_named else 'no address'}"
        raise UnreachableError(msg) from None


class _Conversation:
    """Our side of one request, once it was sent."""

    def __init__(self, connection: h11.Connection, reader: asyncio.StreamReader) -> None:
        self._connection = connection
        self._reader = reader

    async def head(self) -> h11.Response:
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise h11.RemoteProtocolError("no answer")

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        while True:
            try:
                async with asyncio.timeout(SILENT_S):
                    event = await self._next()
            except (TimeoutError, OSError, h11.ProtocolError) as error:
                msg = f"it broke off: {error}"
                raise UnreachableError(msg) from None
            if not isinstance(event, h11.Data):
                return
            yield bytes(event.data)

    async def _next(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            event = self._connection.next_event()
            if not isinstance(event, type) or event is h11.PAUSED:
                return event
            self._connection.receive_data(await self._reader.read(PIECE_BYTES))
