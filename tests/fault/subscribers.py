"""Rows 11 to 13: those who listen, and those who only pretend to."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import zmq

from sinks.gaps import GapWatch, Numbered
from sinks.keys import create_pair
from sinks.messages import DetectionMessage, decode
from tests.fault.case import Case, Row
from tests.fault.stage import LEAVEN_MB, OTHERS, ClientKeys, Footprint, Stage, four_cameras, stage
from tests.support.daemon_process import free_port

SUBSCRIBER = """
import sys, zmq
socket = zmq.Context().socket(zmq.SUB)
socket.subscribe(b"")
socket.connect(sys.argv[1])
print(socket.recv_multipart()[0], flush=True)
while True:
    socket.recv_multipart()
"""


@contextmanager
def frozen_subscriber(endpoint: str) -> Iterator[None]:
    """A process that subscribed to everything, received something and was then stopped."""
    command = [sys.executable, "-c", SUBSCRIBER, endpoint]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.kill()


def subscriber_stops(case: Case) -> None:
    with four_cameras(case) as (staged, _):
        before = Footprint.of(staged.pid)
        with frozen_subscriber(staged.daemon.zeromq):
            published, from_s = publish_buckets(staged), time.monotonic()
            time.sleep(60.0 if case.long else 4.0)
            after = Footprint.of(staged.pid)
        case.at_most("RSS more meanwhile", after.rss_mb - before.rss_mb, LEAVEN_MB, "MB")
        limit_ms = 1.0 if case.long else 5.0  # a bucket more where two cores do other work as well
        p99_ms = publish_p99_ms(published, publish_buckets(staged))
        case.at_most("publish p99, upper bound", p99_ms, limit_ms, "ms")
        staged.untouched(["faulty", *OTHERS], from_s, time.monotonic())


def publish_buckets(staged: Stage) -> dict[float, float]:
    """How many messages took no longer to send than each of these times in seconds."""
    name = "vedette_publish_duration_seconds_bucket"
    return {
        float(key.partition('le="')[2].partition('"')[0]): count
        for key, count in staged.series().items()
        if key.startswith(name) and "zeromq" in key
    }


def publish_p99_ms(before: dict[float, float], after: dict[float, float]) -> float:
    """The bound below which 99 of 100 of the messages between lie."""
    between = {bound: count - before[bound] for bound, count in after.items()}
    return 1e3 * min(
        bound for bound, count in between.items() if count >= 0.99 * between[float("inf")]
    )


def subscribers_come_and_go(case: Case) -> None:
    """With CURVE: clients that vanish, a key that is not listed, none at all, bytes that are no
    ZeroMQ.
    """
    rounds = 500 if case.long else 40
    server_key, secret_key = create_pair(case.folder, "daemon")
    _, listed = create_pair(case.folder / "clients", "listed")
    _, stranger = create_pair(case.folder, "stranger")
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    zeromq = {
        "bind": endpoint,
        "curve": {"secret_key": str(secret_key), "clients": str(case.folder / "clients")},
    }
    keys = ClientKeys(server_key, listed)
    with four_cameras(case, zeromq=zeromq, keys=keys) as (staged, _):
        from_s = time.monotonic()
        heard = sum(subscribe_and_vanish(endpoint, keys) for _ in range(rounds))
        case.at_least("of those that vanished had been served", heard, rounds)
        for what, wrong in (("stranger's key", ClientKeys(server_key, stranger)), ("no key", None)):
            case.equal(f"{what}: messages", hears(endpoint, wrong, 1.0), 0)
        for _ in range(rounds):
            throw_garbage(endpoint)
        staged.untouched(["faulty", *OTHERS], from_s, time.monotonic())


def subscribe_and_vanish(endpoint: str, keys: ClientKeys) -> bool:
    with zmq.Context() as context, context.socket(zmq.SUB) as client:
        client.linger = 0
        keys.use(client)
        client.subscribe(b"det.")
        client.connect(endpoint)
        return bool(client.poll(5000))


def hears(endpoint: str, keys: ClientKeys | None, seconds: float) -> int:
    """Messages that come to such a subscriber."""
    with zmq.Context() as context, context.socket(zmq.SUB) as client:
        client.linger = 0
        if keys is not None:
            keys.use(client)
        client.subscribe(b"")
        client.connect(endpoint)
        return client.poll(seconds * 1000)


def throw_garbage(endpoint: str) -> None:
    port = int(endpoint.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n\xff\x00" * 50)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def consumer_counts_gaps(case: Case) -> None:
    """A consumer that sleeps while 480 messages a second come, over a high-water mark of 10; eight
    cameras, so that nobody who is awake loses any.
    """
    cameras = {
        f"c{n}": {
            "url": f"synthetic://scene?size=64x48&fps=60&seed={n}&objects=0",
            "detect": {"fps": 60},
        }
        for n in range(8)
    }
    with stage(case, cameras, zeromq={"high_water_mark": 10}) as staged:
        staged.steady(list(cameras))
        with zmq.Context() as context, context.socket(zmq.SUB) as consumer:
            consumer.linger = 0
            consumer.rcvhwm, consumer.rcvbuf = 100, 16_384
            consumer.subscribe(b"")
            consumer.connect(staged.daemon.zeromq)
            watch = Watched()
            watch.read(consumer, 2.0)
            time.sleep(20.0 if case.long else 7.0)
            woke_s = time.monotonic()
            due = {name: staged.answers(name)[-1][1].seq for name in cameras}
            watch.read(consumer, 10.0, due)
            known_s = time.monotonic() - woke_s
            case.at_most("all that was lost asleep is known after", known_s, 1.0, "s")
            watch.read(consumer, 2.0)
        case.at_least("messages that were lost", watch.missing, 1)
        case.equal("found by seq and heartbeat", watch.found, watch.missing)


class Watched:
    """What a consumer received, and what its watch says that it did not."""

    def __init__(self) -> None:
        self._watch = GapWatch()
        self._seqs: dict[str, list[int]] = {}
        self._node = ""
        self.found = 0

    def read(
        self, consumer: zmq.Socket[bytes], seconds: float, due: dict[str, int] | None = None
    ) -> None:
        """For so long, or until it is known what became of everything up to these numbers."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s and not self._knows(due):
            if not consumer.poll(100):
                continue
            message = decode(*consumer.recv_multipart())
            self._node = message.node
            self._watch.restarted(message)
            self.found += sum(self._watch.lost(message).values())
            if isinstance(message, DetectionMessage):
                self._seqs.setdefault(message.camera, []).append(message.seq)

    def _knows(self, due: dict[str, int] | None) -> bool:
        return due is not None and all(
            self._watch.known(Numbered(self._node, name)) >= seq for name, seq in due.items()
        )

    @property
    def missing(self) -> int:
        """Between the first and the last that came."""
        return sum(seqs[-1] - seqs[0] + 1 - len(seqs) for seqs in self._seqs.values())


ROWS = (
    Row(
        "11", "a subscriber is stopped (SIGSTOP) for 60 s", "others lose nothing", subscriber_stops
    ),
    Row(
        "12",
        "500 subscribers vanish; wrong CURVE key; garbage to the port",
        "refused, no leak",
        subscribers_come_and_go,
    ),
    Row(
        "13",
        "consumer sleeps through a burst over a high-water mark of 10",
        "every gap found by seq and heartbeat",
        consumer_counts_gaps,
    ),
)
