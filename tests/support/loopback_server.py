"""A server on loopback that gives each caller a thread, and ends them all."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress


class LoopbackServer(ABC):
    """The port stays the same however often it is started. `_serve` has its connection in
    `_clients` for as long as it may be hung up.
    """

    connections = 0
    port = 0
    thread_name = "server"

    @abstractmethod
    def _serve(self, client: socket.socket) -> None: ...

    def start(self) -> None:
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._clients: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def stop(self) -> None:
        """End every connection and refuse new ones. May be called again."""
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _spawn(self, target: Callable[[], None]) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=target, name=self.thread_name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._spawn(lambda client=client: self._serve(client))  # type: ignore[misc]
