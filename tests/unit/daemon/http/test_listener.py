"""The listening socket, and a process that is out of descriptors."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from contextlib import ExitStack

import pytest

from daemon.http.listener import QUEUE, Listener, Shortage
from sinks.seldom import EVERY_S
from tests.support.fakes import FakeClock


def test_callers_find_room_however_short_a_queue_asyncio_asks_for() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(Listener())
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        for _ in range(QUEUE // 2):
            stack.enter_context(socket.create_connection(listener.getsockname(), timeout=0.5))


def test_a_shortage_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    shortage = Shortage(clock)
    loop = asyncio.new_event_loop()
    error = OSError(errno.EMFILE, "Too many open files")
    for _ in range(int(EVERY_S) + 1):
        shortage(loop, {"message": "socket.accept() out of system resource", "exception": error})
        clock.advance(1)
    loop.close()
    assert caplog.messages == ["connections have to wait reason='Too many open files'"] * 2


def test_other_failures_of_the_loop_are_told_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    with caplog.at_level(logging.ERROR, "asyncio"):
        Shortage(FakeClock())(loop, {"message": "a defect", "exception": KeyError("x")})
    loop.close()
    assert caplog.messages == ["a defect"]
