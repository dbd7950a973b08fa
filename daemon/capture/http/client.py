"""Asks one host over HTTP/1.1, within bounds, and says who we are where that is asked for.

Written on `http.client`, which takes a connection that was made elsewhere (its peer is checked
before a word is said) and reads the odd answers of old cameras. Redirects stay on the host.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.http.line import Line, Patience
from daemon.capture.http.place import Place
from daemon.capture.http.refusals import check
from daemon.capture.login import Entrance, Login
from daemon.capture.peer import TRUSTING, Trust, connect

MOST_HEAD = 65_536  # bytes

_CHUNK = 65_536  # of a read
_DRAINED = 65_536  # of an answer that nobody wants: more, and the connection is given up
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_END = "its answer has no end"
_TLS_RECORDS = ("\x15\x03", "\x16\x03")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, beside where."""

    accept: str = "*/*"
    method: str = "GET"
    body: bytes = field(default=b"", repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    takes_refusals: bool = False  # so that every answer is one, unless it asks for a login


class Answer:
    """An answer whose body is read as it comes. One thread."""

    def __init__(self, place: Place, response: http.client.HTTPResponse, line: Line) -> None:
        self.place = place  # after redirects
        self._response = response
        self._line = line

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def content_type(self) -> str:
        """As it was said, parameters included."""
        return self._response.headers.get("Content-Type", "")

    def peek(self) -> bytes:
        """Some of what comes next; empty at the end."""
        if self._response.isclosed() or self._response.length == 0:
            return b""
        self._line.most = max(self._line.most, _CHUNK)
        with _said_oddly():
            return self._response.peek(16)

    def some(self) -> bytes:
        """What has come, at least a byte; empty at the end. Raises CaptureError and OSError."""
        self._line.most = 2 * _CHUNK
        with _said_oddly():
            return self._response.read1(_CHUNK)

    def whole(self, most: int) -> bytes:
        """All of it. Raises CaptureError(flood) for more than `most` bytes."""
        length = self._response.length
        if length is not None and length > most:
            raise CaptureError(Cause.FLOOD, f"an answer of {length / 1e6:.0f} MB")
        body = bytearray()
        while data := self.some():
            body += data
            if len(body) > most:
                raise CaptureError(Cause.FLOOD, f"an answer of more than {most / 1e6:.0f} MB")
        if self._response.length:
            raise CaptureError(Cause.EOF, "it hung up in the middle of its answer")
        return bytes(body)


class Client:
    """One after the other, over one connection where the other side keeps it open. One thread.

    Raises CaptureError, and OSError, whose text may hold the host.
    """

    def __init__(
        self, patience: Patience, *, login: Login | None = None, trust: Trust = TRUSTING
    ) -> None:
        self.patience = patience
        self.address = ""  # of whom we talked to last
        self._entrance = Entrance(login)
        self._trust = trust
        self._connection: socket.socket | None = None
        self._place: Place | None = None  # to which it leads
        self._response: http.client.HTTPResponse | None = None

    def ask(self, place: Place, question: Question) -> Answer:
        """What is there, or where it leads to on the same host."""
        for _ in range(_MOST_REDIRECTS + 1):
            response, line = self._admitted(place, question)
            if response.status in _REDIRECTS and (location := response.headers.get("Location")):
                place = place.followed(location, self.address)
                continue
            if not question.takes_refusals:
                check(response.status)
            return Answer(place, response, line)
        raise CaptureError(Cause.PROTOCOL, "it redirects in circles")

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
        if self._connection is not None:
            self._connection.close()
        self._response = self._connection = None

    def _admitted(self, place: Place, question: Question) -> tuple[http.client.HTTPResponse, Line]:
        while True:
            response, line = self._exchange(place, question)
            if response.status != http.client.UNAUTHORIZED:
                self._entrance.admitted()
                return response, line
            challenges = response.headers.get_all("WWW-Authenticate") or []
            if question.takes_refusals and not challenges:
                return response, line
            self._entrance.refused(challenges)

    def _exchange(self, place: Place, question: Question) -> tuple[http.client.HTTPResponse, Line]:
        self._make_free(place)
        if self._connection is not None:
            # It may have been closed meanwhile, as servers do with those who say nothing.
            with contextlib.suppress(ConnectionError, _HungUp):
                return self._said(self._connection, place, question)
            self.close()
        connection = self._connection = connect(
            place.host,
            place.port,
            float(self.patience),
            scheme=place.scheme,
            trust=self._trust,
        )
        self._place, self.address = place, connection.getpeername()[0]
        try:
            return self._said(connection, place, question)
        except _HungUp:
            pass
        raise CaptureError(Cause.EOF, "it hung up without a word")

    def _make_free(self, place: Place) -> None:
        """Keep the connection if it leads there and its last answer was taken whole."""
        response, self._response = self._response, None
        known = self._place
        same = known and (known.scheme, known.authority) == (place.scheme, place.authority)
        if not same or response is None or response.will_close or not _drained(response):
            if response is not None:
                response.close()
            self.close()

    def _said(
        self, connection: socket.socket, place: Place, question: Question
    ) -> tuple[http.client.HTTPResponse, Line]:
        connection.settimeout(float(self.patience))
        connection.sendall(self._words(place, question))
        line = Line(connection, self.patience)
        line.most = MOST_HEAD
        reading = cast("socket.socket", _Reading(line))
        response = http.client.HTTPResponse(reading, method=question.method)
        self._response = response
        with _said_oddly():
            response.begin()
        return response, line

    def _words(self, place: Place, question: Question) -> bytes:
        said = {
            "Host": place.authority,
            "User-Agent": "vedette",
            "Accept": question.accept,
            **question.headers,
        }
        if self._entrance.challenge is not None:
            said["Authorization"] = self._entrance.challenge.authorization(
                question.method, place.target
            )
        if question.body:
            said["Content-Length"] = str(len(question.body))
        lines = [f"{question.method} {place.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in said.items()]
        return "\r\n".join([*lines, "", ""]).encode() + question.body


class _HungUp(Exception):  # noqa: N818
    """The other side ended the connection in place of an answer."""


class _Reading:
    """What HTTPResponse wants of a socket."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._line, _CHUNK)


@contextlib.contextmanager
def _said_oddly() -> Iterator[None]:
    """Answers that are none, as errors of ours."""
    try:
        yield
    except http.client.RemoteDisconnected:
        raise _HungUp from None
    except http.client.IncompleteRead:
        raise CaptureError(Cause.EOF, "it hung up in the middle of its answer") from None
    except (http.client.HTTPException, ValueError) as error:
        if isinstance(error, http.client.LineTooLong) or "more than" in str(error):
            raise CaptureError(Cause.FLOOD, _NO_END) from None
        detail = _what_it_was(error)
    except ssl.SSLError:
        raise CaptureError(Cause.RESET) from None
    else:
        return
    raise CaptureError(Cause.PROTOCOL, detail)


def _what_it_was(error: Exception) -> str:
    line = str(error.args[0]) if isinstance(error, http.client.BadStatusLine) else ""
    if line.startswith("RTSP/"):
        return "it speaks RTSP: write rtsp: in place of http:"
    if line.startswith(_TLS_RECORDS):
        return "it speaks TLS: write https: in place of http:"
    return "its answer is not one of HTTP"


def _drained(response: http.client.HTTPResponse) -> bool:
    """Read what is left of an answer, if that is little."""
    if response.isclosed():
        return True
    if response.length is None or response.length > _DRAINED:
        return False
    try:
        response.read()
    except (OSError, CaptureError, http.client.HTTPException):
        return False
    return True
