"""One connection of a peer: bounded in number, in the time and length of a request's head, and in
how long its answer may lie.

uvicorn itself would wait for ever for a first request, for one that comes byte by byte, and for a
peer that takes nothing; and it looks at the length of a head only while that is incomplete.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from sinks.crowd import Attendance, Crowd, HangUp, HangUps

REQUEST_S = 30.0  # from the connection, or the last answer, to the end of a request's head
STALL_S = 10.0  # in which a peer must take something of an answer that waits for it
MAX_CONNECTIONS = 256  # that are answered; a quarter more are told that there are too many
SLICE_BYTES = 1024  # of a head that are read before its length is looked at


class Reception:
    """Who is connected to one server. Event loop only, except `attendance` and `close`."""

    def __init__(self, *, most: int = MAX_CONNECTIONS) -> None:
        self.most = most
        self._crowd: Crowd[PatientConnection] = Crowd(most, spare=most // 4)
        self._hang_ups = HangUps("http", time.monotonic)
        self._connections: set[PatientConnection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def attendance(self) -> Attendance:
        """Any thread."""
        return Attendance("http", len(self._crowd), self.most, self._hang_ups.counts)

    def close(self) -> None:
        """End what is still open, whatever it waits for. Any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._end_all)

    def enter(self, connection: PatientConnection) -> None:
        self._loop = connection.loop
        self._connections.add(connection)
        leaves = self._crowd.enter(connection, connection.peer)
        if leaves is not None:
            self.hang_up(*leaves)

    def asked(self, connection: PatientConnection) -> None:
        self._crowd.asked(connection)

    def waits(self, connection: PatientConnection) -> None:
        self._crowd.waits(connection)

    def leave(self, connection: PatientConnection) -> None:
        self._connections.discard(connection)
        self._crowd.leave(connection)

    def hang_up(self, connection: PatientConnection, reason: HangUp) -> None:
        """End a connection at once, whatever was still to be sent."""
        self._crowd.leave(connection)
        self._hang_ups.note(reason, connection.peer)
        connection.transport.abort()

    def _end_all(self) -> None:
        for connection in self._connections:
            connection.transport.abort()


class PatientConnection(H11Protocol):
    """Closed where no whole request arrives within `REQUEST_S`, where an answer is not taken for
    `STALL_S`, and where it has to make room. Event loop only.
    """

    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def __init__(self, reception: Reception, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._reception = reception

    @property
    def peer(self) -> str:
        return self.client[0] if self.client else "unknown"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_request()
        self._reception.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._reception.leave(self)
        for timer in (self._deadline, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + SLICE_BYTES])

    def handle_events(self) -> None:
        super().handle_events()
        if self._answering:
            self._reception.asked(self)

    def on_response_complete(self) -> None:
        self._await_request()
        self._reception.waits(self)
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_progress()

    def resume_writing(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_request(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(REQUEST_S, self._give_up)

    def _give_up(self) -> None:
        if not self._answering:
            self._reception.hang_up(self, HangUp.SLOW)

    def _await_progress(self) -> None:
        untaken = self.transport.get_write_buffer_size()
        self._stalled = self.loop.call_later(STALL_S, self._look_for_progress, untaken)

    def _look_for_progress(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._await_progress()
        else:
            self._reception.hang_up(self, HangUp.STALLED)
