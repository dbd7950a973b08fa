"""An HTTP server on a real socket, whose daemon is a board and reports that tests write by hand."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

from msgspec.structs import replace

from config.schema import HttpConfig
from daemon.cameras.detecting import DetectSwitch
from daemon.clock import SystemClock
from daemon.diary.store import Store
from daemon.http.app import HttpApp
from daemon.http.connection import MAX_CONNECTIONS
from daemon.http.feed import LiveFeed
from daemon.http.server import HttpServer
from daemon.recording.shelf import Shelf
from daemon.reload.editor import Editor
from tests.support.fakes import GreyPicture, ShownSights, frame, one_box
from tests.support.reporting import FakeReporter, camera_report, view_of


class Site:
    """A server with these cameras, bound; the first one has been seen."""

    def __init__(
        self,
        *cameras: str,
        http: HttpConfig | None = None,
        port: int = 0,
        most_connections: int = MAX_CONNECTIONS,
        editor: Editor | None = None,
        switch: DetectSwitch | None = None,
    ) -> None:
        self.diary = Store(None)
        self.shelves: dict[str, Shelf] = {}
        self.first = cameras[0]
        self.reporter = FakeReporter(*(camera_report(name) for name in cameras))
        self.board = ShownSights()
        self.see()
        view = view_of(
            self.reporter,
            self.board,
            clock=SystemClock(),
            http=http,
            shelf=self.shelves.get,
            editor=editor,
            diary=self.diary,
            switch=switch,
        )
        self.events = view.events
        self.app = HttpApp(view)
        self.server = HttpServer(self.app, "127.0.0.1", port, most_connections=most_connections)
        self.server.bind()
        self.port = self.server.address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def feed(self) -> LiveFeed:
        """Who watches."""
        return self.app._pages._feed

    def see(self, camera: str = "", *, picture: GreyPicture | None = None) -> None:
        """The camera, else the first one, got an answer."""
        now_s = time.monotonic()
        seen = frame(camera or self.first, now_s)
        if picture is not None:
            seen = replace(seen, picture=picture)
        self.board.show(seen, one_box(), ("person",), inferred_s=now_s)

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def ask_and_hang(self, path: str) -> socket.socket:
        """A request whose answer is never read."""
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", self.port))
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return peer

    def watch(self) -> socket.socket:
        """A viewer of the first camera that has got its first bytes."""
        viewer = self.ask_and_hang(f"/live/{self.first}.mjpg")
        viewer.settimeout(5)
        assert viewer.recv(12) == b"HTTP/1.1 200"
        return viewer


@contextlib.contextmanager
def running_site(
    *cameras: str,
    http: HttpConfig | None = None,
    most_connections: int = MAX_CONNECTIONS,
    editor: Editor | None = None,
    switch: DetectSwitch | None = None,
) -> Iterator[Site]:
    """A started one; at the end it stops in time and leaves no thread behind."""
    before = set(threading.enumerate())
    site = Site(
        *cameras, http=http, most_connections=most_connections, editor=editor, switch=switch
    )
    site.server.start()
    try:
        yield site
    finally:
        assert site.server.stop()
        for thread in set(threading.enumerate()) - before:
            thread.join(3)
            assert not thread.is_alive(), thread.name
