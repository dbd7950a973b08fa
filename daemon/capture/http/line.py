"""A connection as a file whose every read is bounded: by the clock, and in the number of bytes.

A socket's own timeout begins anew with each byte, so that a peer which sends one now and then is
never too late. Here one moment holds for all the reads that follow, and a stop ends them at once.
"""

from __future__ import annotations

import io
import socket
from typing import Any

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.sample import Pause
from daemon.clock import Clock

_LOOK_S = 0.2  # how often a read that waits looks whether it should stop


class Patience:
    """Until when the other side may take its time, and whether we are to stop. One thread."""

    def __init__(self, clock: Clock, pause: Pause, timeout_s: float) -> None:
        self._clock = clock
        self._pause = pause
        self._end_s = 0.0
        self.allow(timeout_s)

    def allow(self, timeout_s: float) -> None:
        """That long from now."""
        self._end_s = self._clock.now_s() + timeout_s

    def __float__(self) -> float:
        """What is left, in seconds. Raises TimeoutError where that is nothing, and
        CaptureError(eof) where a stop was requested.
        """
        if self._pause(0.0):
            raise CaptureError(Cause.EOF)
        left_s = self._end_s - self._clock.now_s()
        if left_s <= 0:
            raise TimeoutError
        return left_s


class Line(io.RawIOBase):
    """What a peer sends. `most` is the number of bytes that may come before it is raised again."""

    def __init__(self, connection: socket.socket, patience: Patience) -> None:
        super().__init__()
        self._connection = connection
        self._patience = patience
        self.most: float = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises OSError, and CaptureError(flood) beyond `most`."""
        if self.most <= 0:
            raise CaptureError(Cause.FLOOD, "its answer has no end")
        while True:
            self._connection.settimeout(min(_LOOK_S, float(self._patience)))
            try:
                count = self._connection.recv_into(buffer)
            except TimeoutError:
                continue
            self.most -= count
            return count
