"""The listening socket, and what becomes of callers while the process has no descriptor left."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from typing import Any

from daemon.clock import Clock
from sinks.seldom import Seldom

QUEUE = 128  # connections that wait to be accepted
ACCEPTS = 1  # tries in a row; what uvicorn and asyncio call the backlog

log = logging.getLogger(__name__)


class Listener(socket.socket):
    """Its queue is as long as we say.

    asyncio takes one number for the length of the queue and for how often it tries to accept in a
    row, and out of descriptors it logs each of these tries and schedules another round for it.
    """

    def listen(self, backlog: int = QUEUE, /) -> None:
        super().listen(max(backlog, QUEUE))


class Shortage:
    """An event loop's exception handler that says once a minute that nobody can be accepted."""

    def __init__(self, clock: Clock) -> None:
        self._told = Seldom(clock.now_s)

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)):
            loop.default_exception_handler(context)
        elif self._told.times():
            log.warning("connections have to wait reason=%r", error.strerror)
