"""A camera that says what it is given, whatever it is asked, and hangs up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def replaying(answers: dict[str, bytes], media: bytes) -> Iterator[int]:
    """A loopback port: the answer for each method, then, after that for PLAY, the media."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answers, media), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, answers: dict[str, bytes], media: bytes) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            with client, suppress(OSError):
                client.settimeout(5)
                _talk(client, answers, media)


def _talk(client: socket.socket, answers: dict[str, bytes], media: bytes) -> None:
    with client.makefile("rb") as requests:
        while line := requests.readline():
            method = line.partition(b" ")[0].decode("latin-1")
            while requests.readline().strip():
                pass
            client.sendall(answers.get(method, b""))
            if method == "PLAY":
                client.sendall(media)
                return
