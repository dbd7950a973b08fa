"""A TCP proxy that misbehaves on request: freezes, breaks, delays or damages a connection.

RTSP over TCP is one connection, so this reaches control and media alike.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random

Damage = Callable[[bytes], bytes]


def unharmed(data: bytes) -> bytes:
    return data


class FaultProxy:
    """Listens on a loopback port and forwards to `target_port`, until told otherwise."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self.frozen = threading.Event()  # set: bytes from the server no longer pass
        self.damage: Damage = unharmed
        self.delay_s = 0.0
        self.slice_bytes: int | None = None  # of what the server sends at once, each in a segment
        self.connections = 0
        self._spawn(self._accept)

    def break_all(self, *, reset: bool) -> None:
        """End every connection, by RST or by FIN."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for open_socket in sockets:
            _end(open_socket, reset=reset)

    def break_at_random(self, random: Random, *, within: int) -> None:
        """End every connection, by RST or by FIN, each time that some bytes have passed: 500 at
        first, then at most `within`. The `damage` that does it may be taken back.
        """
        left = 500

        def cut(data: bytes) -> bytes:
            nonlocal left
            left -= len(data)
            if left <= 0:
                left = random.randrange(1, within)
                self.break_all(reset=random.random() < 0.5)
            return data

        self.damage = cut

    def close(self) -> None:
        self.frozen.clear()
        _end(self._listener)
        self.break_all(reset=False)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                try:
                    server = socket.create_connection(("127.0.0.1", self._target_port))
                except OSError:
                    client.close()
                    continue
                with self._lock:
                    self._sockets += [client, server]
                self._spawn(lambda c=client, s=server: self._forward(c, s, damaged=False))
                self._spawn(lambda c=client, s=server: self._forward(s, c, damaged=True))

    def _forward(self, source: socket.socket, sink: socket.socket, *, damaged: bool) -> None:
        with suppress(OSError):
            while data := source.recv(16384):
                while damaged and self.frozen.is_set():
                    time.sleep(0.01)
                if damaged:
                    time.sleep(self.delay_s)
                    data = self.damage(data)
                step = (damaged and self.slice_bytes) or len(data) or 1
                for at in range(0, len(data), step):
                    sink.sendall(data[at : at + step])
        for open_socket in (source, sink):
            _end(open_socket)

    def _spawn(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name="fault-proxy", daemon=True)
        self._threads.append(thread)
        thread.start()


def _end(open_socket: socket.socket, *, reset: bool = False) -> None:
    with suppress(OSError):  # closed already, by the other direction
        if reset:
            linger = struct.pack("ii", 1, 0)  # so that it ends with an RST
            open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            open_socket.shutdown(socket.SHUT_RD)
        else:
            open_socket.shutdown(socket.SHUT_RDWR)
    open_socket.close()


@contextmanager
def fault_proxy(target_port: int) -> Iterator[FaultProxy]:
    proxy = FaultProxy(target_port)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]
