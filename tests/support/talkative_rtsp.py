"""An RTSP server that sends no pictures: it answers as a test wants, and keeps the questions."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One request; header names are in lower case."""

    method: str
    url: str
    headers: dict[str, str]
    connection: int  # counted from 1


Answer = Callable[[Question], tuple[int, dict[str, str]]]  # status, headers


class TalkativeServer:
    """Any number of connections, one after another or together."""

    def __init__(self, answer: Answer, *, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        self.port: int = self._listener.getsockname()[1]
        self.questions: list[Question] = []
        self.connections = 0

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(
                    target=self._talk, args=(client, self.connections), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _secured(self, client: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(client, server_side=True) if self._tls else client

    def _talk(self, client: socket.socket, connection: int) -> None:
        client.settimeout(5)
        with suppress(OSError), self._secured(client) as client, client.makefile("rb") as lines:
            while len(request := lines.readline().decode("latin-1").split()) > 1:
                headers = {}
                while line := lines.readline().decode("latin-1").strip():
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                question = Question(request[0], request[1], headers, connection)
                self.questions.append(question)
                status, said = self._answer(question)
                head = [f"RTSP/1.0 {status} Said", f"CSeq: {headers.get('cseq', 0)}"]
                head += [f"{name}: {value}" for name, value in said.items()]
                client.sendall("\r\n".join([*head, "", ""]).encode())


@contextmanager
def talkative_server(
    answer: Answer, *, tls: ssl.SSLContext | None = None
) -> Iterator[TalkativeServer]:
    server = TalkativeServer(answer, tls=tls)
    try:
        yield server
    finally:
        server.close()
