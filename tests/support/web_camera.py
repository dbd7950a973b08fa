"""A camera over HTTP made of Python, which answers whatever it is told to: odd, late, or never.

One per test. `respond` may be turned at any time from any thread.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import BinaryIO

import cv2
import numpy as np

from tests.support.loopback_server import LoopbackServer

FPS = 20.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes as they are sent, status line included; then the connection stays open, or not."""

    chunks: Iterable[bytes]
    keeps: bool = False


Respond = Callable[[Asked], Reply]


@cache
def jpeg(number: int = 0, width: int = 320, height: int = 240) -> bytes:
    """A ground with a white block of a quarter of width and height, which moves with `number`."""
    picture = np.full((height, width, 3), 60, np.uint8)
    x = number * 8 % (width - width // 4)
    picture[: height // 4, x : x + width // 4] = 255
    return cv2.imencode(".jpg", picture)[1].tobytes()


def answer(
    body: bytes,
    content_type: str = "image/jpeg",
    *,
    status: str = "200 OK",
    headers: Iterable[str] = (),
    keeps: bool = True,
) -> Reply:
    """A whole answer that says its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [*headers, *([] if keeps else ["Connection: close"]), "", ""]
    return Reply(["\r\n".join(lines).encode() + body], keeps=keeps)


def head(content_type: str, line_end: bytes = b"\r\n") -> bytes:
    """The beginning of an answer without a length."""
    lines = [b"HTTP/1.0 200 OK", b"Content-Type: " + content_type.encode(), b"", b""]
    return line_end.join(lines)


def part(
    body: bytes, *, boundary: bytes = b"--frame", length: bool = True, line_end: bytes = b"\r\n"
) -> bytes:
    lines = [boundary, b"Content-Type: image/jpeg"]
    lines += [b"Content-Length: %d" % len(body)] if length else []
    return line_end.join([*lines, b"", body]) + line_end


def streamed(
    content_type: str = "multipart/x-mixed-replace; boundary=frame",
    *,
    count: int | None = None,
    fps: float = FPS,
    picture: Callable[[int], bytes] = jpeg,
    line_end: bytes = b"\r\n",
    **of_part: bytes | bool,
) -> Reply:
    """MJPEG; see `part` for what may be odd about it."""

    def chunks() -> Iterator[bytes]:
        yield head(content_type, line_end)
        number = 0
        while count is None or number < count:
            yield part(picture(number), line_end=line_end, **of_part)  # type: ignore[arg-type]
            number += 1
            time.sleep(1 / fps)

    return Reply(chunks())


class DigestGate:
    """Lets in who knows the password, by the rules of RFC 7616."""

    def __init__(self, user: str, password: str, algorithm: str = "MD5") -> None:
        self._user, self._password, self._algorithm = user, password, algorithm
        self.nonce = "n0"
        self.refused = 0

    def __call__(self, asked: Asked) -> Reply | None:
        """What to answer to a stranger; None to let the request in."""
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', asked.headers.get("authorization", "")))
        if (
            said
            and said.get("nonce") == self.nonce
            and said["response"] == self._right(asked, said)
        ):
            return None
        self.refused += bool(said)
        stale = ", stale=true" if said and said.get("nonce") != self.nonce else ""
        wanted = (
            f'Digest realm="cam", nonce="{self.nonce}", qop="auth", algorithm={self._algorithm}'
        )
        headers = [f"WWW-Authenticate: {wanted}{stale}"]
        return answer(b"who are you?", "text/plain", status="401 Unauthorized", headers=headers)

    def _right(self, asked: Asked, said: dict[str, str]) -> str:
        secret = self._hash(self._user, "cam", self._password)
        request = self._hash(asked.method, asked.target)
        return self._hash(secret, self.nonce, said["nc"], said["cnonce"], "auth", request)

    def _hash(self, *parts: str) -> str:
        name = {"MD5": "md5", "SHA-256": "sha256"}[self._algorithm]
        return hashlib.new(name, ":".join(parts).encode()).hexdigest()


@dataclass
class WebCamera(LoopbackServer):
    """Serves everyone who connects, each in a thread; the port stays the same."""

    respond: Respond = lambda _: streamed()
    asked: list[Asked] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    thread_name = "web-camera"

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}/stream"

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._clients.add(client)
        try:
            client.settimeout(10)
            if self.tls is not None:
                plain, client = client, self.tls.wrap_socket(client, server_side=True)
                with self._lock:
                    self._clients ^= {plain, client}
            with client, client.makefile("rb") as requests:
                while (asked := _request(requests, client)) is not None:
                    self.asked.append(asked)
                    reply = self.respond(asked)
                    for chunk in reply.chunks:
                        if self._stopping.is_set():
                            return
                        client.sendall(chunk)
                    if not reply.keeps:
                        return
        except OSError:
            pass  # the client has gone
        finally:
            with self._lock:
                self._clients.discard(client)


def _request(requests: BinaryIO, client: socket.socket) -> Asked | None:
    line = requests.readline().decode("latin-1").split()
    if len(line) != 3 or not line[2].startswith("HTTP/"):
        if line:
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        return None
    headers = {}
    while header := requests.readline().decode().strip():
        name, _, value = header.partition(":")
        headers[name.strip().lower()] = value.strip()
    size = int(headers.get("content-length", "0"))
    return Asked(line[0], line[1], headers, requests.read(size))


@contextmanager
def web_camera(
    respond: Respond = lambda _: streamed(), *, tls: ssl.SSLContext | None = None
) -> Iterator[WebCamera]:
    camera = WebCamera(respond, tls=tls)
    camera.start()
    try:
        yield camera
    finally:
        camera.stop()
