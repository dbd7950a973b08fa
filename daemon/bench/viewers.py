"""People who watch, in a process of their own: each reads one camera's live pictures.

`python -m daemon.bench.viewers HOST:PORT CAMERA…` reads until its standard input is closed, then
prints how many pictures came per second since the first. A viewer that is refused ends it.
"""

from __future__ import annotations

import selectors
import socket
import sys
import threading
import time

from config.urls import split_host_port
from daemon.console import say

READ_BYTES = 1 << 16
_MARK = b"\r\n--picture\r\n"  # between two pictures; see daemon.http.mjpeg


class Viewer:
    """One connection that reads a camera's pictures and keeps none."""

    def __init__(self, host: str, port: int, camera: str) -> None:
        self.pictures = 0
        self._tail = b""
        self.socket = socket.create_connection((host, port), timeout=10)
        self.socket.sendall(f"GET /live/{camera}.mjpg HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

    def read(self) -> None:
        """Take what came. Raises ConnectionError where the daemon hung up or refused."""
        received = self.socket.recv(READ_BYTES)
        if not received or (not self._tail and not received.startswith(b"HTTP/1.1 200")):
            raise ConnectionError(received[:80])
        window = self._tail + received
        self.pictures += window.count(_MARK)
        self._tail = window[-len(_MARK) + 1 :]


def watch(host: str, port: int, cameras: list[str]) -> float:
    """Pictures per second, of all cameras together, from the first until standard input ends."""
    over = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    viewers = [Viewer(host, port, camera) for camera in cameras]
    with selectors.DefaultSelector() as selector:
        for viewer in viewers:
            selector.register(viewer.socket, selectors.EVENT_READ, viewer)
        began_s = time.monotonic()
        while not over.is_set():
            for key, _ in selector.select(0.1):
                key.data.read()
            if not any(viewer.pictures for viewer in viewers):
                began_s = time.monotonic()
    for viewer in viewers:
        viewer.socket.close()
    pictures = sum(viewer.pictures for viewer in viewers)
    return pictures / (time.monotonic() - began_s) if pictures else 0.0


if __name__ == "__main__":
    say(str(watch(*split_host_port(sys.argv[1]), sys.argv[2:])))
