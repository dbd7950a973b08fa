"""A subscriber in a process of its own, as in real life: notes what every detection message says.

`python -m daemon.bench.listener ENDPOINT FILE` listens until its standard input is closed, then
writes FILE (.npy): float64 [messages, 4] of published_ns, queue ms, infer ms, total ms.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import zmq

from sinks.messages import DetectionMessage, decode


def listen(endpoint: str, file: Path) -> None:
    """Subscribe until standard input ends."""
    rows: list[tuple[float, float, float, float]] = []
    over = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.set_hwm(0)
        socket.subscribe(b"det.")
        socket.connect(endpoint)
        while not over.is_set():
            if socket.poll(100):
                message = decode(*socket.recv_multipart())
                assert isinstance(message, DetectionMessage)  # noqa: S101 - what was subscribed
                latency = message.latency_ms
                rows.append((message.published_ns, latency.queue, latency.infer, latency.total))
    np.save(file, np.array(rows, np.float64).reshape(-1, 4))


if __name__ == "__main__":
    listen(sys.argv[1], Path(sys.argv[2]))
