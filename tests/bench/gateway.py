"""What a gateway costs: `python -m tests.bench.gateway`.

Messages of 100 cameras with five objects each go from one process to another, directly, through
libzmq's own forwarder (zmq.proxy, which looks at nothing) and through `vedette gateway`: at 1000 a
second for the latency, and as fast as the publisher can for the throughput.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import zmq

from tests.support.daemon_process import free_port
from tests.support.gateway_process import running_gateway
from tests.support.messages import detection

SECONDS = 5.0
RATE = 1000
CAMERAS = 100
MARK = b'"published_ns":'
PROXY = """
import sys, zmq
context = zmq.Context()
front, back = context.socket(zmq.XSUB), context.socket(zmq.XPUB)
front.bind(sys.argv[1])
back.bind(sys.argv[2])
zmq.proxy(front, back)
"""


def payloads() -> list[tuple[bytes, bytes, bytes]]:
    """Topic, and what stands before and after the moment of sending, of each camera."""
    made = []
    for number in range(CAMERAS):
        envelope = detection(f"cam-{number}", objects=5)
        message = msgspec.structs.replace(envelope.message, grant=1)
        before, _, after = msgspec.json.encode(message).partition(MARK + b"0")
        made.append((f"det.cam-{number}.".encode(), before + MARK, after))
    return made


def publish(endpoint: str, bound: bool, rate: int) -> None:
    """Until killed; `rate` 0 is as fast as it goes."""
    socket = zmq.Context().socket(zmq.XPUB)
    socket.sndhwm = 1000
    socket.bind(endpoint) if bound else socket.connect(endpoint)
    socket.recv()  # somebody subscribed
    texts = payloads()
    began_s = time.monotonic()
    number = 0
    while True:
        topic, before, after = texts[number % CAMERAS]
        socket.send_multipart((topic, b"%b%d%b" % (before, time.monotonic_ns(), after)))
        number += 1
        if rate:
            time.sleep(max(0.0, began_s + number / rate - time.monotonic()))


@contextmanager
def publisher(endpoint: str, *, bound: bool, rate: int) -> Iterator[None]:
    words = ["publish", endpoint, "bound" if bound else "connected", str(rate)]
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.gateway", *words])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def listen(endpoint: str) -> tuple[list[float], float]:
    """Latencies in milliseconds and messages a second, over `SECONDS`."""
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.linger = 0
    socket.subscribe(b"det.")
    socket.connect(endpoint)
    for _ in range(200):
        socket.recv_multipart()
    latencies = []
    until_s = time.monotonic() + SECONDS
    while time.monotonic() < until_s:
        _, payload = socket.recv_multipart()
        now_ns = time.monotonic_ns()
        sent = payload.partition(MARK)[2]
        latencies.append((now_ns - int(sent[: sent.index(b",")])) / 1e6)
    socket.close()
    return latencies, len(latencies) / SECONDS


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def forwarder(kind: str, folder: Path) -> Iterator[tuple[str, str, int | None]]:
    """Where to publish, where to subscribe, and the process between."""
    if kind == "direct":
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        yield endpoint, endpoint, None
    elif kind == "zmq.proxy":
        front, back = (f"tcp://127.0.0.1:{free_port()}" for _ in range(2))
        process = subprocess.Popen([sys.executable, "-c", PROXY, front, back])
        try:
            yield front, back, process.pid
        finally:
            process.kill()
            process.wait()
    else:
        with running_gateway(folder) as gateway:
            yield gateway.publishers, gateway.subscribers, gateway.process.pid


def measure(kind: str, rate: int) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory() as folder,
        forwarder(kind, Path(folder)) as (front, back, pid),
        publisher(front, bound=kind == "direct", rate=rate),
    ):
        before_s = cpu_s(pid) if pid else 0.0
        latencies, speed = listen(back)
        used_s = cpu_s(pid) - before_s if pid else 0.0
    cuts = statistics.quantiles(latencies, n=100)
    return {
        "messages_per_s": round(speed),
        "p50_ms": round(cuts[49], 3),
        "p99_ms": round(cuts[98], 3),
        "cpu_us_per_message": round(used_s / len(latencies) * 1e6, 1),
    }


def main() -> None:
    for rate in (RATE, 0):
        for kind in ("direct", "zmq.proxy", "gateway"):
            print(json.dumps({"through": kind, "rate": rate or "all", **measure(kind, rate)}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["publish"]:
        publish(sys.argv[2], sys.argv[3] == "bound", int(sys.argv[4]))
    else:
        main()
