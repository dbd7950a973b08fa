"""A TCP relay whose way to the server can be narrow: so many bytes a second, and small buffers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

STEP_S = 0.05
BUFFER_BYTES = 4096
WIDE = 1 << 16  # bytes that are passed on at once while the line is not narrow


class NarrowLine:
    """Wide until `narrow` is called."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._step: int | None = None  # bytes in `STEP_S`
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        # What the kernel takes on behalf of the server is taken: it must be little.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.port: int = self._listener.getsockname()[1]
        self._lines: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="narrow")]
        self._threads[0].start()

    def narrow(self, bytes_per_s: int) -> None:
        """Pass no more than that on from now on."""
        self._step = max(1, int(bytes_per_s * STEP_S))

    def close(self) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in list(self._threads):
            thread.join()
        for line in self._lines:
            line.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target_port))
                self._lines += [client, server]
                for source, sink, forth in ((client, server, True), (server, client, False)):
                    thread = threading.Thread(
                        target=self._pass, args=(source, sink), kwargs={"forth": forth}
                    )
                    self._threads.append(thread)
                    thread.start()

    def _pass(self, source: socket.socket, sink: socket.socket, *, forth: bool) -> None:
        source.settimeout(STEP_S)
        with suppress(OSError):
            while not self._over.is_set():
                step = self._step if forth else None
                try:
                    data = source.recv(step or WIDE)
                except TimeoutError:
                    continue
                if not data:
                    break
                sink.sendall(data)
                if step:
                    self._over.wait(STEP_S)
        for line in (source, sink):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


@contextmanager
def narrow_line(target_port: int) -> Iterator[NarrowLine]:
    line = NarrowLine(target_port)
    try:
        yield line
    finally:
        line.close()
