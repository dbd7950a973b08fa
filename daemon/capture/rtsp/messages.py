"""What RTSP peers say to each other, apart from sockets: bytes go in, messages come out (RFC 2326).

Line ends may be CRLF or LF alone. What is not understood is no message: `ProtocolError` is raised
where a conversation is going on, and looked past where media flows (`resync`), because cameras
whose network is full leave out parts of what they send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_HEAD = 65_536  # bytes
MOST_BODY = 262_144

_DOLLAR = 0x24
_NO_RTSP = "its answer is not one of RTSP"
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_BEGINNING = re.compile(rb"\$|RTSP/")
_FIRST_LETTERS = re.compile(rb"RTSP/|[A-Z_]{1,5}|[A-Z_]{3,4} ")
_STATUS = re.compile(rb"RTSP/\d\.\d +(\d{3})(?: .*)?")
_REQUEST = re.compile(rb"([A-Z_]{3,24}) +(\S+) +RTSP/\d\.\d")
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")


class ProtocolError(ValueError):
    """The other side does not speak RTSP; the text is ours and holds nothing of its."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are in lower case; of a header that comes twice, both values are there."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    def header(self, name: str) -> str | None:
        """The first of that name."""
        return next(iter(self.all(name)), None)


@dataclass(frozen=True, slots=True)
class Request:
    """A question; the URL is as it was written."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name), None)


@dataclass(frozen=True, slots=True)
class Media:
    """One interleaved packet, with the four bytes in front of it."""

    channel: int
    data: bytes = field(repr=False)


Message = Answer | Request | Media


class Reader:
    """Take messages out of a stream of bytes. One thread; holds at most what was fed and no more
    than one message.
    """

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0

    def feed(self, data: bytes) -> None:
        self._bytes = self._bytes[self._at :] + data
        self._at = 0

    def take(self) -> Message | None:
        """The next whole message, or None until more was fed. Raises ProtocolError."""
        data = self._bytes
        if self._at >= len(data):
            return None
        if data[self._at] == _DOLLAR:
            return self._media(data)
        while data[self._at : self._at + 1] in (b"\r", b"\n"):
            self._at += 1
        return self._text(data) if self._at < len(data) else None

    def resync(self, channels: frozenset[int]) -> int:
        """Go on at what looks like media of these channels, or like an answer; the number of bytes
        that were passed over.
        """
        data, begin = self._bytes, self._at
        at = begin + 1
        while found := _BEGINNING.search(data, at):
            at = found.start()
            if data[at] != _DOLLAR or _looks_like_media(data, at, channels):
                self._at = at
                return at - begin
            at += 1
        self._at = len(data)
        return len(data) - begin

    def _media(self, data: bytes) -> Media | None:
        at = self._at
        if len(data) - at < 4:
            return None
        end = at + 4 + (data[at + 2] << 8 | data[at + 3])
        if end > len(data):
            return None
        self._at = end
        return Media(data[at + 1], data[at:end])

    def _text(self, data: bytes) -> Message | None:
        _refuse_other_protocols(data, self._at)
        found = _END_OF_HEAD.search(data, self._at)
        if found is None:
            if len(data) - self._at > MOST_HEAD:
                raise ProtocolError("its answer has no end")
            return None
        first, headers = _head(data[self._at : found.start()])
        size = _body_size(headers)
        if len(data) - found.end() < size:
            return None
        body = data[found.end() : found.end() + size]
        message = _message(first, headers, body)
        self._at = found.end() + size
        return message


def text(first: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A message as it is sent."""
    if body:
        headers = {**headers, "Content-Length": str(len(body))}
    lines = [first, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def _looks_like_media(data: bytes, at: int, channels: frozenset[int]) -> bool:
    """A packet of RTP or RTCP, version 2, of a channel that was agreed upon."""
    return (
        data[at] == _DOLLAR
        and at + 4 < len(data)
        and data[at + 1] in channels
        and data[at + 4] >> 6 == 2
    )


def _refuse_other_protocols(data: bytes, at: int) -> None:
    if data.startswith(_TLS_RECORDS, at):
        raise ProtocolError("it speaks TLS: write rtsps: in place of rtsp:")
    if data.startswith(b"HTTP/", at):
        raise ProtocolError("it speaks HTTP: this is the port of a web page")
    if not _FIRST_LETTERS.fullmatch(data, at, min(at + 5, len(data))):
        raise ProtocolError(_NO_RTSP)


def _head(data: bytes) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    first, *lines = data.split(b"\n")
    headers: list[tuple[str, str]] = []
    for line in lines:
        written = line.rstrip(b"\r").decode("utf-8", "replace")
        if written[:1] in (" ", "\t") and headers:  # a line that goes on
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {written.strip()}")
            continue
        name, colon, value = written.partition(":")
        if colon:
            headers.append((name.strip().lower(), value.strip()))
    return first.rstrip(b"\r"), tuple(headers)


def _body_size(headers: tuple[tuple[str, str], ...]) -> int:
    sizes = {value for name, value in headers if name == "content-length"}
    if not sizes:
        return 0
    size = sizes.pop()
    if sizes or not re.fullmatch(r"[0-9]{1,9}", size):
        raise ProtocolError("its answer says no length that can be understood")
    if int(size) > MOST_BODY:
        raise ProtocolError("its answer is too long")
    return int(size)


def _message(first: bytes, headers: tuple[tuple[str, str], ...], body: bytes) -> Answer | Request:
    if found := _STATUS.fullmatch(first):
        return Answer(int(found[1]), headers, body)
    if found := _REQUEST.fullmatch(first):
        return Request(found[1].decode(), found[2].decode("latin-1"), headers)
    raise ProtocolError(_NO_RTSP)
