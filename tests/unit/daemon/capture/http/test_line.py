"""Reads are bounded by one moment, however often a byte comes, and end at a stop."""

from __future__ import annotations

import socket

import pytest

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.http.line import Line, Patience
from tests.support.fakes import FakeClock


def test_a_byte_now_and_then_does_not_prolong_the_wait() -> None:
    clock = FakeClock()
    patience = Patience(clock, lambda _: False, 5.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = Line(ours, patience)
        line.most = 100
        for _ in range(4):
            theirs.sendall(b"x")
            assert line.read(1) == b"x"
            clock.advance(1.2)
        theirs.sendall(b"x")
        assert float(patience) == pytest.approx(0.2)
        clock.advance(0.3)
        with pytest.raises(TimeoutError):
            line.read(1)
        patience.allow(5.0)
        assert line.read(1) == b"x"


def test_a_stop_ends_a_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = Line(ours, Patience(FakeClock(), lambda _: True, 5.0))
        line.most = 1
        with pytest.raises(CaptureError) as caught:
            line.read(1)
    assert caught.value.kind is Cause.EOF


def test_no_more_is_read_than_was_allowed() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = Line(ours, Patience(FakeClock(), lambda _: False, 5.0))
        line.most = 3
        theirs.sendall(b"abcdef")
        assert line.read(3) == b"abc"
        with pytest.raises(CaptureError, match="its answer has no end"):
            line.read(1)
