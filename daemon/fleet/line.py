"""The line between shards and their Director: a question and its answer, in frames over TCP.

Two questions a second of every shard are too many for Ray's calls, each of which takes the Director
a millisecond of processor time. Ray starts both ends, and tells a shard where the line is and the
secret that opens it: so who may not talk to Ray may not talk here. Like Ray's own, it is not
encrypted.

A frame is four bytes of length, then so many bytes. The first one is the secret and has no answer.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

PORTS = range(6382, 6400)  # the first that is free; between those of Ray in the units
LONGEST = 8 * 1024**2  # of a frame; an assignment of ten thousand cameras takes some 2 MB
MOST = 1000  # connections; then the one that was silent for longest is closed
PIECE = 65_536
_LENGTH = struct.Struct(">I")

log = logging.getLogger(__name__)


class LineBrokenError(Exception):
    """Nobody listens there, or not with this secret: the other end has to be found again."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a line is, and what opens it."""

    host: str
    port: int
    secret: bytes = field(repr=False)


class LineEnd:
    """A shard's end: one question at a time, connected when it is needed. One thread."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._socket: socket.socket | None = None

    def ask(self, question: bytes, timeout_s: float) -> bytes:
        """The answer. Raises TimeoutError after about that long, LineBrokenError."""
        until_s = time.monotonic() + timeout_s
        try:
            line = self._connected(until_s)
            _allow(line, until_s)
            line.sendall(_framed(question))
            (length,) = _LENGTH.unpack(_read(line, _LENGTH.size, until_s))
            return _read(line, min(length, LONGEST), until_s)
        except BaseException as error:
            self.close()  # an answer that comes late is to no question
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise LineBrokenError(str(error)) from None
            raise

    def close(self) -> None:
        line, self._socket = self._socket, None
        if line is not None:
            line.close()

    def _connected(self, until_s: float) -> socket.socket:
        if self._socket is None:
            left_s = max(0.01, until_s - time.monotonic())
            at = (self.address.host, self.address.port)
            self._socket = socket.create_connection(at, timeout=left_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(_framed(self.address.secret))
        return self._socket


class Line:
    """The Director's end. `serve` again and again, in one thread; `answer` is asked in there."""

    def __init__(self, host: str, answer: Callable[[bytes], bytes], *, most: int = MOST) -> None:
        """Listens from now on. Raises OSError where no port of the line is free."""
        self._listener, port = _listener(host, PORTS)
        self.address = Address(host, port, secrets.token_bytes(32))
        self._answer = answer
        self._most = most
        self._guests: dict[int, _Guest] = {}  # by descriptor, who spoke last at the end
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._listener, selectors.EVENT_READ)

    def serve(self, for_s: float) -> None:
        """Answer what comes within that time."""
        until_s = time.monotonic() + for_s
        while (left_s := until_s - time.monotonic()) > 0:
            for key, events in self._waiting.select(left_s):
                if key.fileobj is self._listener:
                    self._let_in()
                else:
                    self._attend(key.data, events)

    def close(self) -> None:
        for guest in list(self._guests.values()):
            self._hang_up(guest)
        self._waiting.close()
        self._listener.close()

    def _let_in(self) -> None:
        with suppress(OSError):
            line, _ = self._listener.accept()
            line.setblocking(False)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            guest = self._guests[line.fileno()] = _Guest(line)
            self._waiting.register(line, selectors.EVENT_READ, guest)
        if len(self._guests) > self._most:
            self._hang_up(next(iter(self._guests.values())))

    def _attend(self, guest: _Guest, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                for frame in guest.frames():
                    self._take(guest, frame)
            guest.flush()
        except BlockingIOError:
            pass
        except (OSError, ValueError) as error:
            if not isinstance(error, ConnectionError):
                log.warning("line closed reason=%s", error)
            self._hang_up(guest)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if guest.unsent else 0)
        if wanted != guest.wanted:
            guest.wanted = wanted
            self._waiting.modify(guest.line, wanted, guest)

    def _take(self, guest: _Guest, frame: bytes) -> None:
        if not guest.known:
            if not hmac.compare_digest(frame, self.address.secret):
                raise ValueError("somebody without the secret")
            guest.known = True
            return
        self._guests[guest.line.fileno()] = self._guests.pop(guest.line.fileno())
        guest.unsent += _framed(self._answer(frame))

    def _hang_up(self, guest: _Guest) -> None:
        self._guests.pop(guest.line.fileno(), None)
        self._waiting.unregister(guest.line)
        guest.line.close()


class _Guest:
    """A connection of a shard, as long as it is open."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.known = False
        self.unsent = b""
        self.wanted = selectors.EVENT_READ
        self._came = b""

    def frames(self) -> Iterator[bytes]:
        """Those that are complete. Raises ConnectionError when it has hung up, ValueError."""
        data = self.line.recv(PIECE)
        if not data:
            raise ConnectionResetError("it hung up")
        self._came += data
        while len(self._came) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._came)
            if length > (LONGEST if self.known else PIECE):
                raise ValueError("a frame is too long")
            end = _LENGTH.size + length
            if len(self._came) < end:
                return
            frame, self._came = self._came[_LENGTH.size : end], self._came[end:]
            yield frame

    def flush(self) -> None:
        """Raises BlockingIOError where it does not read as fast."""
        if len(self.unsent) > 2 * LONGEST:
            raise ValueError("it asks, and does not read the answers")
        if self.unsent:
            self.unsent = self.unsent[self.line.send(self.unsent) :]


def _framed(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def _listener(host: str, ports: Iterable[int]) -> tuple[socket.socket, int]:
    for port in ports:
        with suppress(OSError):
            return socket.create_server((host, port)), port
    msg = f"no port of {PORTS.start} to {PORTS.stop - 1} is free on {host}"
    raise OSError(msg)


def _allow(line: socket.socket, until_s: float) -> None:
    """The next call may take as long as is left. Raises TimeoutError where nothing is."""
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("no answer in time")
    line.settimeout(left_s)


def _read(line: socket.socket, count: int, until_s: float) -> bytes:
    data = b""
    while len(data) < count:
        _allow(line, until_s)
        piece = line.recv(count - len(data))
        if not piece:
            raise ConnectionResetError("it hung up")
        data += piece
    return data
