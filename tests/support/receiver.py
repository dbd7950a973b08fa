"""Somebody who is posted to: keeps what came, and answers as a test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DRIP_S = 0.02  # between two bytes of a slow answer


@dataclass(frozen=True)
class Post:
    """One request, whole."""

    method: str
    path: str
    headers: Message
    body: bytes

    def parts(self) -> dict[str, Message]:
        """Of multipart/form-data, by name."""
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        whole = message_from_bytes(head + self.body)
        assert whole.is_multipart()
        found = {}
        for part in whole.get_payload():
            assert isinstance(part, Message)
            found[str(part.get_param("name", header="content-disposition"))] = part
        return found


@dataclass(frozen=True)
class Reply:
    """`how`: `answer`, `hang` (until the receiver ends), `close` without a word, or `drip` a header
    that never ends.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    how: str = "answer"


class Receiver:
    """`replies` says what the next ones are answered; beyond it `usual`."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.replies: list[Reply] = []
        self.usual = Reply()
        self.check: Callable[[Post], int] | None = None  # a status for what came
        self.over = threading.Event()
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                post = Post(self.command, self.path, self.headers, body)
                receiver._answer(self, post)

            do_PUT = do_GET = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.port = self.server.server_port
        self._thread = threading.Thread(
            target=self.server.serve_forever, args=(0.01,), name="receiver"
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def _answer(self, handler: BaseHTTPRequestHandler, post: Post) -> None:
        with self._lock:
            self.posts.append(post)
            reply = self.replies.pop(0) if self.replies else self.usual
        if reply.how == "hang":
            self.over.wait(20)
        if reply.how in ("hang", "close"):
            handler.close_connection = True
            with suppress(OSError):
                handler.connection.shutdown(socket.SHUT_RDWR)
            return
        if reply.how == "drip":
            self._drip(handler)
            return
        status = self.check(post) if self.check is not None else reply.status
        handler.send_response(status)
        for name, value in reply.headers:
            handler.send_header(name, value)
        handler.send_header("content-length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with suppress(OSError):
            handler.connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not self.over.wait(DRIP_S):
                handler.connection.sendall(b"x")


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()
