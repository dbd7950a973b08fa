"""The parts of a multipart/x-mixed-replace stream, as cameras write it. Pure: bytes in, parts out.

RFC 2046 is taken as a hint. Boundaries come with more or fewer dashes than announced, in quotes or
as another word altogether; lines end with LF alone; a part may say its length or not, and the
first one may come without a boundary.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from daemon.capture.errors import CaptureError, Cause

MOST_PART = 16_000_000  # bytes: a JPEG of 8K has a quarter of it
MOST_HEAD = 16_384

_MOST_BEFORE = 65_536  # bytes that are passed over up to the first boundary
_LONGEST_LINE = 512  # of a boundary
_LENGTH = re.compile(r"[0-9]{1,12}")
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]{1,63}[ \t]*:")
_END_OF_HEAD = re.compile(rb"(?:\A|\r?\n)\r?\n")


@dataclass(frozen=True, slots=True)
class Part:
    """Header names are in lower case."""

    headers: dict[str, str]
    body: bytes = field(repr=False)


class Parts:
    """Take parts out of a stream of bytes; holds no more than one and what was fed. One thread."""

    def __init__(self, announced: str = "") -> None:
        self._core = announced.strip("-").encode()
        self._delimiter: bytes | None = None  # as it was seen
        self._data = bytearray()
        self._looked = 0  # up to where nothing was found
        self._behind_boundary = False
        self._headers: dict[str, str] | None = None  # of the part whose body is awaited
        self._passed = 0  # bytes since the last part that belong to none

    @property
    def begun(self) -> bool:
        """Whether a part has come in part."""
        return self._headers is not None

    def feed(self, data: bytes) -> None:
        self._data += data

    def take(self) -> Part | None:
        """The next whole part, or None until more was fed. Raises CaptureError."""
        if self._headers is None:
            self._headers = self._head()
        headers = self._headers
        if headers is None:
            return None
        length = _length_of(headers)
        body = self._delimited() if length is None else self._counted(length)
        if body is None:
            return None
        self._headers = None
        return Part(headers, body)

    def rest(self) -> Part | None:
        """The last part of a stream that has ended, where it said no length."""
        headers, self._headers = self._headers, None
        if headers is None or _length_of(headers) is not None:
            return None
        end = self._end_of_part(rb"\Z")
        return Part(headers, bytes(self._data if end is None else self._data[:end]))

    def _head(self) -> dict[str, str] | None:
        """Pass a boundary and the headers after it."""
        while not self._at_headers():
            if not self._pass_line():
                return None
        found = _END_OF_HEAD.search(self._data, 0, MOST_HEAD + 4)
        if found is None:
            if len(self._data) > MOST_HEAD:
                raise CaptureError(Cause.FLOOD, "the head of a part has no end")
            return None
        headers = _headers_of(bytes(self._data[: found.start()]))
        self._drop(found.end())
        self._passed = 0
        return headers

    def _at_headers(self) -> bool:
        """Behind a boundary, or at the first headers of a stream that begins without one."""
        begins = self._delimiter is None and _HEADER.match(self._data) is not None
        return self._behind_boundary or begins

    def _pass_line(self) -> bool:
        end = self._data.find(b"\n", self._looked)
        if end < 0:
            self._looked = len(self._data)
            self._check_passed(len(self._data))
            return False
        line = bytes(self._data[:end]).strip()
        self._drop(end + 1)
        self._behind_boundary = self._is_boundary(line)
        if not self._behind_boundary:
            self._passed += end + 1
            self._check_passed(0)
        return True

    def _check_passed(self, more: int) -> None:
        if self._delimiter is None and self._passed + more > _MOST_BEFORE:
            raise CaptureError(Cause.PROTOCOL, "its parts have no boundary")
        if self._passed + more > MOST_PART:
            raise CaptureError(Cause.FLOOD, "what comes belongs to no picture")

    def _is_boundary(self, line: bytes) -> bool:
        if self._delimiter is not None:
            return line in (self._delimiter, self._delimiter + b"--")
        core = line.strip(b"-")
        announced = core and core == self._core
        if announced or (line.startswith(b"--") and len(line) <= _LONGEST_LINE // 2):
            self._delimiter = line
            return True
        return False

    def _counted(self, length: int) -> bytes | None:
        if length > MOST_PART:
            raise CaptureError(Cause.FLOOD, f"a picture of {length / 1e6:.0f} MB")
        return None if len(self._data) < length else self._taken(length)

    def _delimited(self) -> bytes | None:
        """Up to the next boundary, whose line is left."""
        end = self._end_of_part(rb"\r?\n")
        if end is not None:
            return self._taken(end)
        self._looked = max(0, len(self._data) - _LONGEST_LINE)
        if len(self._data) > MOST_PART:
            raise CaptureError(Cause.FLOOD, f"a picture of more than {MOST_PART / 1e6:.0f} MB")
        return None

    def _end_of_part(self, end_of_line: bytes) -> int | None:
        """Where the line end before the next boundary is."""
        # A stream that began without a boundary has shown none yet: it may have the announced one.
        mark = b"\n" + (self._delimiter or b"--" + self._core)
        rest_of_line = re.compile(rb"(?:--)?[ \t]*" + end_of_line)
        at = self._data.find(mark, self._looked)
        while at >= 0 and not rest_of_line.match(self._data, at + len(mark)):
            at = self._data.find(mark, at + 1)
        if at < 0:
            return None
        return at - 1 if self._data[at - 1 : at] == b"\r" else at

    def _taken(self, end: int) -> bytes:
        body = bytes(self._data[:end])
        self._drop(end)
        self._behind_boundary = False
        return body

    def _drop(self, count: int) -> None:
        del self._data[:count]
        self._looked = 0


def boundary_of(content_type: str) -> str:
    """What a Content-Type header announces, in quotes or not; empty where it says nothing."""
    found = re.search(r'boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))', content_type, re.IGNORECASE)
    return (found[1] or found[2] or "") if found else ""


def _headers_of(head: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in head.split(b"\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers


def _length_of(headers: dict[str, str]) -> int | None:
    said = headers.get("content-length", "")
    return int(said) if _LENGTH.fullmatch(said) else None
