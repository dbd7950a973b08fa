"""Rows 23 to 25: strangers and subscribers who take more than their part."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from typing import Any

from sinks.keys import create_pair
from sinks.seldom import EVERY_S
from tests.fault.case import Case, Row
from tests.fault.neighbours import window_s
from tests.fault.stage import OTHERS, ClientKeys, Footprint, Stage, four_cameras
from tests.support.daemon_process import free_port

ALL = ("faulty", *OTHERS)
PEAK_MB = 200.0
OPEN_FILES = 256
SILENCE_S = 1.0

FLOODER = """
import os, sys, time
from pathlib import Path
import zmq
from tests.fault.stage import ClientKeys
endpoint, count, size, *keys = sys.argv[1:]
os.nice(19)  # what it takes of the processor is not the question
socket = zmq.Context().socket(zmq.SUB)
socket.set_hwm(0)
if keys:
    ClientKeys(*map(Path, keys)).use(socket)
socket.connect(endpoint)
time.sleep(0.5)
for _ in range(int(count)):
    socket.subscribe(os.urandom(int(size)))
time.sleep(2)
os._exit(0)
"""


def too_many_subscriptions(case: Case) -> None:
    """80 MB of topics that differ, from one connection, then from eight at once with short ones."""
    with with_curve(case, "--trim-after-s=1") as (staged, keys):
        settle(case, staged)
        quiet_ms = staged.p99_ms(ALL, staged.quiet(window_s(case)))
        from_s = time.monotonic()
        floods = [(20_000, 4000)] if not case.long else [(20_000, 4000), (100_000, 40)]
        for count, size in floods:
            with Peak(staged) as peak, flooding(staged, count, size, keys):
                time.sleep(window_s(case))
            case.at_most(
                f"RSS at its peak, more: {count} topics of {size} bytes",
                peak.more_mb,
                PEAK_MB,
                "MB",
            )
        span = (from_s, time.monotonic())
        case.at_most("longest silence of a heartbeat", silence_s(staged, *span), 1 + SILENCE_S, "s")
        case.slower("p99", staged.p99_ms(ALL, span), quiet_ms, 1.5)
        staged.quiet(2.0)  # it gives the memory back
        told(case, staged, "zeromq", ("flood", "subscriptions"), from_s)
        staged.untouched(ALL, *span)


def subscriptions_without_keys(case: Case) -> None:
    """The same on a socket without CURVE."""
    with four_cameras(case, "--trim-after-s=1") as (staged, _):
        settle(case, staged)
        from_s = time.monotonic()
        with Peak(staged) as peak, flooding(staged, 20_000, 4000, None):
            time.sleep(window_s(case))
        span = (from_s, time.monotonic())
        case.at_most("RSS at its peak, more", peak.more_mb, PEAK_MB, "MB")
        case.at_most("longest silence of a heartbeat", silence_s(staged, *span), 1 + SILENCE_S, "s")
        staged.quiet(2.0)
        told(case, staged, "zeromq", ("flood", "subscriptions"), from_s)
        staged.untouched(ALL, *span)


def silent_connections(case: Case) -> None:
    """Many that connect to the CURVE port and say nothing, with few descriptors."""
    with with_curve(case, f"--open-files={OPEN_FILES}") as (staged, _):
        quiet = staged.cpu_share(window_s(case))
        crowd(case, staged, staged.daemon.zeromq.removeprefix("tcp://"), "zeromq", quiet)


def silent_connections_without_keys(case: Case) -> None:
    with four_cameras(case, f"--open-files={OPEN_FILES}") as (staged, _):
        quiet = staged.cpu_share(window_s(case))
        crowd(case, staged, staged.daemon.zeromq.removeprefix("tcp://"), "zeromq", quiet)


def slow_heads(case: Case) -> None:
    """Many that send a request byte by byte."""
    with four_cameras(case) as (staged, _):
        quiet = staged.cpu_share(window_s(case))
        crowd(case, staged, staged.daemon.http, "http", quiet, says=b"GET /healthz HTTP/1.1\r\nX-")


def crowd(
    case: Case, staged: Stage, address: str, listener: str, quiet: float, *, says: bytes = b""
) -> None:
    """334 that stay, and connect anew when they are sent away."""
    settle(case, staged)
    from_s = time.monotonic()
    with Peak(staged) as peak, Crowd(address, 334, says):
        share = staged.cpu_share(window_s(case))
        asked_s = [health_s(staged) for _ in range(5)]
    span = (from_s, time.monotonic())
    case.at_most("longest answer of /healthz", max(asked_s), 1.0, "s")
    case.note("CPU of what it was", share / quiet, "×")
    case.at_most("RSS at its peak, more", peak.more_mb, PEAK_MB, "MB")
    case.note("p99", staged.p99_ms(ALL, span), "ms")
    told(case, staged, listener, ("crowded", "peer", "slow"), from_s)
    staged.untouched(ALL, *span)


class Peak:
    """The most memory that a process holds meanwhile."""

    def __init__(self, staged: Stage) -> None:
        self._pid = staged.pid
        self._before_mb = Footprint.of(staged.pid).rss_mb
        self._most_mb = self._before_mb
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak")

    @property
    def more_mb(self) -> float:
        return self._most_mb - self._before_mb

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self._most_mb = max(self._most_mb, Footprint.of(self._pid).rss_mb)


class Crowd:
    """Connections that are opened anew whenever they are closed, and drip a byte now and then."""

    def __init__(self, address: str, count: int, says: bytes) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host, int(port))
        self._count = count
        self._says = says
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._stay, name="crowd")

    def __enter__(self) -> Crowd:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _stay(self) -> None:
        with ExitStack() as stack:
            peers: list[socket.socket] = []
            while not self._over.wait(0.1):
                for peer in [peer for peer in peers if _is_closed(peer)]:
                    peers.remove(peer)
                    peer.close()
                for peer in peers:
                    with suppress(OSError):
                        peer.send(b"x" if self._says else b"")
                with suppress(OSError):
                    while len(peers) < self._count and not self._over.is_set():
                        peer = socket.create_connection(self._address, timeout=0.2)
                        stack.callback(peer.close)
                        peer.setblocking(False)
                        peers.append(peer)
                        peer.send(self._says)


def _is_closed(peer: socket.socket) -> bool:
    try:
        return peer.recv(4096) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@contextmanager
def with_curve(case: Case, *arguments: str) -> Iterator[tuple[Stage, ClientKeys]]:
    server_key, secret_key = create_pair(case.folder, "daemon")
    _, listed = create_pair(case.folder / "clients", "listed")
    zeromq: dict[str, Any] = {
        "bind": f"tcp://127.0.0.1:{free_port()}",
        "curve": {"secret_key": str(secret_key), "clients": str(case.folder / "clients")},
    }
    keys = ClientKeys(server_key, listed)
    with four_cameras(case, *arguments, zeromq=zeromq, keys=keys) as (staged, _):
        yield staged, keys


@contextmanager
def flooding(staged: Stage, count: int, size: int, keys: ClientKeys | None) -> Iterator[None]:
    """A process that subscribes to that much."""
    words = [staged.daemon.zeromq, str(count), str(size)]
    words += [str(keys.server), str(keys.own)] if keys else []
    with subprocess.Popen([sys.executable, "-c", FLOODER, *words]) as process:
        try:
            yield
        finally:
            process.kill()


def settle(case: Case, staged: Stage) -> None:
    """What a process holds grows for some seconds after its start; mark it after that."""
    staged.quiet(5.0 if case.long else 2.0)
    staged.remark(ALL)


def silence_s(staged: Stage, from_s: float, to_s: float) -> float:
    """The longest time between two heartbeats, of which one a second is sent."""
    beats = [from_s, *(at_s for at_s, _ in staged.heard.beats if from_s < at_s < to_s), to_s]
    return max(later - earlier for earlier, later in pairwise(beats))


def health_s(staged: Stage) -> float:
    started_s = time.monotonic()
    status, _ = staged.daemon.get("/healthz")
    assert status == 200
    return time.monotonic() - started_s


def told(case: Case, staged: Stage, listener: str, reasons: tuple[str, ...], from_s: float) -> None:
    """It is counted, and logged once a minute for each reason."""
    series = staged.series()
    closed = {
        reason: series[
            f'vedette_connections_closed_total{{listener="{listener}",reason="{reason}"}}'
        ]
        for reason in reasons
    }
    case.at_least("closed and counted", sum(closed.values()), 1)
    lines = staged.daemon.log.count(f"connection closed listener={listener}")
    minutes = 1 + int((time.monotonic() - from_s) // EVERY_S)
    most = minutes * len(reasons)
    case.at_most("lines in the log, one a minute for each reason", lines, most)


ROWS = (
    Row(
        "23",
        "a subscriber with a listed key subscribes to 80 MB of topics",
        "it is dropped, others hear on",
        too_many_subscriptions,
    ),
    Row(
        "23b",
        "the same without CURVE",
        "it is dropped, others hear on",
        subscriptions_without_keys,
    ),
    Row(
        "24",
        f"334 silent connections to the CURVE port, `ulimit -n {OPEN_FILES}`",
        "they make room; HTTP and cameras notice nothing",
        silent_connections,
    ),
    Row(
        "24b",
        "the same without CURVE",
        "they make room; HTTP and cameras notice nothing",
        silent_connections_without_keys,
    ),
    Row(
        "25",
        "334 HTTP connections that send a request byte by byte",
        "they make room; everybody else is answered",
        slow_heads,
    ),
)
