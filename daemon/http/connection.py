"""One connection of a peer: bounded in number, and in the time a request may take to arrive.

uvicorn itself would wait for ever for a first request, and for one that comes byte by byte.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 30.0  # from the connection, or the last answer, to the end of a request's head
MAX_CONNECTIONS = 256  # that are answered; a quarter more are told that there are too many


class PatientConnection(H11Protocol):
    """Closed where no whole request arrives within `REQUEST_S`. Event loop only."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS * 5 // 4:
            transport.abort()  # each one holds a file descriptor, and cameras need those
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._await_request()
        super().on_response_complete()

    def _await_request(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(REQUEST_S, self._give_up)

    def _give_up(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering:
            self.transport.abort()
