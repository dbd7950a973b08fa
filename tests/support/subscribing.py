"""A running ZeroMQ sink and subscribers of it, for integration tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import zmq

from config.schema import ZeromqConfig
from daemon.clock import SystemClock
from sinks.keys import load_public, load_secret
from sinks.listening import MOST_CONNECTIONS
from sinks.messages import Message, decode
from sinks.sink import SinkWorker
from sinks.zeromq import ZeromqSink


def zeromq_config(**fields: object) -> ZeromqConfig:
    """Binds a free port of the system's choice, which a configuration file may not ask for."""
    bind = fields.pop("bind", "tcp://127.0.0.1:*")
    return ZeromqConfig(**fields).model_copy(update={"bind": bind})


@contextmanager
def publishing(
    *, capacity: int = 1000, most_connections: int = MOST_CONNECTIONS, **config: object
) -> Iterator[tuple[SinkWorker, ZeromqSink]]:
    """A started ZeroMQ sink on a free port."""
    sink = ZeromqSink(zeromq_config(**config), SystemClock(), most_connections=most_connections)
    worker = SinkWorker(sink, SystemClock(), capacity=capacity)
    worker.open()
    worker.start()
    try:
        yield worker, sink
    finally:
        assert worker.stop(1.0)


class Subscriber:
    """Keeps what it receives, in order."""

    def __init__(
        self,
        endpoint: str,
        *topics: bytes,
        server_key: Path | None = None,
        key: Path | None = None,
        **options: int,
    ) -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.SUB)
        self.socket.linger = 0
        for name, value in options.items():
            setattr(self.socket, name, value)
        if key is not None and server_key is not None:
            self.socket.curve_publickey, self.socket.curve_secretkey = load_secret(key)
            self.socket.curve_serverkey = load_public(server_key)
        for topic in topics or (b"",):
            self.socket.subscribe(topic)
        self.socket.connect(endpoint)
        self.received: list[tuple[bytes, Message]] = []

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self._context.term()

    def read(self, count: int, timeout_s: float = 5.0) -> list[Message]:
        """The next `count` messages, or as many as come in time."""
        messages: list[Message] = []
        deadline_s = time.monotonic() + timeout_s
        while len(messages) < count:
            left_ms = int((deadline_s - time.monotonic()) * 1000)
            if left_ms <= 0 or not self.socket.poll(left_ms):
                break
            topic, payload = self.socket.recv_multipart()
            messages.append(decode(topic, payload))
            self.received.append((topic, messages[-1]))
        return messages
