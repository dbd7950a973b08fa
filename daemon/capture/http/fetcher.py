"""What FFmpeg's reader of HLS asks for, fetched by us: it opens no connection of its own.

So playlists cannot lead it to other hosts, logins are said in one place, and every answer has a
bound. Called by FFmpeg, in the capture thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from daemon.capture.errors import CaptureError, Cause, guarded
from daemon.capture.http.client import Answer, Client, Question
from daemon.capture.http.place import Place
from daemon.capture.http.playlist import BEGINS, MOST_PLAYLIST, best_variant, check
from daemon.clock import Clock

T = TypeVar("T")
MOST_PIECE = 256_000_000  # bytes: ten seconds of 8K at 100 Mbit/s are half of it

_ASKING = Question(accept="*/*")
_PASSING = frozenset({Cause.NOT_FOUND, Cause.BUSY})  # a piece that is late or gone: the next one
_WRITING = 2  # FFmpeg's flag
_NUMBER = re.compile(r"[0-9]{1,15}")


class Fetcher:
    """One camera's. Nothing is raised into FFmpeg, which goes on after a bad piece:
    what failed is kept as `failure`, and FFmpeg sees the end of everything.
    """

    def __init__(self, client: Client, home: Place, *, clock: Clock, within_s: float) -> None:
        self._client = client
        self._clock = clock
        self._within_s = within_s
        self._opened = False
        self._over = False
        self._failure: CaptureError | None = None
        self.home = home  # of the stream itself

    @property
    def failure(self) -> CaptureError | None:
        """Why it ended, or what was last passed over; a new one each time."""
        return None if self._failure is None else self._failure.bare()

    def begin(self, answer: Answer) -> None:
        """Take the answer that was the first playlist; of several streams choose one. Raises
        CaptureError and OSError.
        """
        variant = best_variant(check(answer.whole(MOST_PLAYLIST)))
        self.home = answer.place
        if variant is not None:
            self.home = answer.place.followed(variant, self._client.address)

    def opened(self) -> None:
        """The time to open is over; from now on each answer has its own."""
        self._opened = True

    def open(self, url: str, flags: int, options: Mapping[str, str]) -> Body:
        """Called by FFmpeg with an absolute URL."""
        if not self._over:
            try:
                return self._open(url, flags, options)
            except CaptureError as error:
                self.failed(error)
        return Body(self, None)

    def some(self, answer: Answer) -> bytes:
        """What comes next of it; empty at the end, and where it failed."""
        try:
            return self._guarded(answer.some)
        except CaptureError as error:
            self.failed(error)
        return b""

    def failed(self, error: CaptureError) -> None:
        self._failure = error.bare()
        self._over = error.kind not in _PASSING

    def close(self) -> None:
        self._client.close()

    def _open(self, url: str, flags: int, options: Mapping[str, str]) -> Body:
        if flags & _WRITING:
            raise CaptureError(Cause.PROTOCOL, "its playlist is none of HLS")
        if self._opened:
            self._client.patience.allow(self._within_s)
        place = self.home.followed(url, self._client.address)
        begin, end = options.get("offset", ""), options.get("end_offset", "")
        question = _ASKING
        if _NUMBER.fullmatch(begin) and _NUMBER.fullmatch(end):
            said = {"Range": f"bytes={int(begin)}-{int(end) - 1}"}
            question = replace(_ASKING, headers=said)
        answer = self._guarded(partial(self._client.ask, place, question))
        self._failure = None  # what was passed over is forgotten
        if answer.peek().startswith(BEGINS):
            playlist = answer.whole(MOST_PLAYLIST)
            check(playlist)
            return Body(self, None, playlist)
        skipped = int(begin) if question is not _ASKING and answer.status == 200 else 0
        return Body(self, answer, skipped=skipped)

    def _guarded(self, call: Callable[[], T]) -> T:
        return guarded(
            call,
            clock=self._clock,
            medium="network",
            opening=False,
            timeout_s=self._within_s,
        )


class Body:
    """A piece, or a playlist that was read already, as a file that FFmpeg reads. One thread."""

    def __init__(
        self, fetcher: Fetcher, answer: Answer | None, data: bytes = b"", *, skipped: int = 0
    ) -> None:
        self._fetcher = fetcher
        self._answer = answer
        self._data = data
        self._left = MOST_PIECE
        self._skipped = skipped  # bytes that were not asked for, and come before those that were

    def read(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end."""
        while not self._data and self._answer is not None:
            self._data = self._fetcher.some(self._answer)
            if not self._data:
                self._answer = None
            self._left -= len(self._data)
            if self._left < 0:
                self._fetcher.failed(CaptureError(Cause.FLOOD, "a piece has no end"))
                self._data, self._answer = b"", None
            passed = min(self._skipped, len(self._data))
            self._data, self._skipped = self._data[passed:], self._skipped - passed
        data, self._data = self._data[:size], self._data[size:]
        return data

    def close(self) -> None:
        self._answer = None
