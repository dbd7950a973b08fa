"""A web server on loopback that serves one file and misbehaves as it is told, answer by answer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ETAG = '"one"'
Answer = Callable[["Handler"], None]


class WeightServer(ThreadingHTTPServer):
    """Gives `content` properly, with Range and ETag, once the `script` of answers is used up."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.etag = ETAG
        self.script: deque[Answer] = deque()
        self.requests: list[tuple[str, str | None, str | None]] = []  # path, Range, If-Range
        self.released = threading.Event()  # ends every stall

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/efficientdet/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the game."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WeightServer

    def do_GET(self) -> None:
        server = self.server
        server.requests.append((self.path, self.headers["Range"], self.headers["If-Range"]))
        self.close_connection = True
        (server.script.popleft() if server.script else properly)(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (so it is called there)
        pass

    def reply(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"ETag": self.server.etag, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def properly(handler: Handler) -> None:
    content, asked = handler.server.content, handler.headers["Range"]
    if asked is None or handler.headers["If-Range"] not in (None, handler.server.etag):
        handler.reply(200, {"Content-Length": str(len(content))}, content)
        return
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    if start >= len(content):
        handler.reply(416, {"Content-Length": "0"})
        return
    place = f"bytes {start}-{len(content) - 1}/{len(content)}"
    part = content[start:]
    handler.reply(206, {"Content-Length": str(len(part)), "Content-Range": place}, part)


def all_of_it(handler: Handler) -> None:
    """Range is ignored."""
    handler.reply(200, {"Content-Length": str(len(handler.server.content))}, handler.server.content)


def cut_off_after(count: int) -> Answer:
    """The rest from the asked byte on is promised, and `count` bytes of it are sent."""

    def answer(handler: Handler) -> None:
        content = handler.server.content
        start = int((handler.headers["Range"] or "bytes=0-")[6:-1])
        headers = {"Content-Length": str(len(content) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        handler.reply(206 if start else 200, headers, content[start : start + count])

    return answer


def stall_after(count: int) -> Answer:
    def answer(handler: Handler) -> None:
        content = handler.server.content
        handler.reply(200, {"Content-Length": str(len(content))}, content[:count])
        handler.wfile.flush()
        handler.server.released.wait(10)

    return answer


def drip(handler: Handler) -> None:
    """A byte now and then."""
    content = handler.server.content
    handler.reply(200, {"Content-Length": str(len(content))})
    for place in range(len(content)):
        handler.wfile.write(content[place : place + 1])
        handler.wfile.flush()
        if handler.server.released.wait(0.02):
            return


def claim_length(length: str, **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.reply(200, {"Content-Length": length, **named}, handler.server.content)

    return answer


def without_length(handler: Handler) -> None:
    handler.reply(200, {}, handler.server.content)


def wrong_part(handler: Handler) -> None:
    handler.reply(206, {"Content-Length": "4", "Content-Range": "bytes 1-4/9"}, b"abcd")


def status(code: int) -> Answer:
    return lambda handler: handler.reply(code, {"Content-Length": "0"})


def redirect_to(location: str) -> Answer:
    return lambda handler: handler.reply(302, {"Location": location, "Content-Length": "0"})


def hang_up(handler: Handler) -> None:
    handler.connection.close()


def not_http(handler: Handler) -> None:
    handler.wfile.write(b"220 mail.test ESMTP\r\n")


@contextmanager
def serving(content: bytes) -> Iterator[WeightServer]:
    with WeightServer(content) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join(5)
