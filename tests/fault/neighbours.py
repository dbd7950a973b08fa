"""Rows 10, 18 and 20: what one camera, a scraper or a shortage may cost the others."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from tests.fault.case import Case, Row
from tests.fault.stage import FPS, OTHERS, SCENE, Stage, four_cameras, stage
from tests.support.scripted_rtsp import scripted_camera


def window_s(case: Case) -> float:
    return 30.0 if case.long else 3.0


def neighbours_fail(case: Case) -> None:
    """One camera freezes for good, decoding a picture of another one takes a second. What that
    costs the others is compared with a daemon beside it that is left alone.
    """
    names = ("frozen", "slow", "c", "d")
    healthy = ["c", "d"]
    with ExitStack() as stack:
        servers = [stack.enter_context(scripted_camera(fps=FPS)) for _ in names]
        cameras = {name: {"url": server.url} for name, server in zip(names, servers, strict=True)}
        alone = stack.enter_context(left_alone(case))
        staged = stack.enter_context(stage(case, cameras, "--slow=slow"))
        staged.steady(["frozen", *healthy])
        servers[0].frozen = True
        span = staged.quiet(window_s(case))
        case.note(
            "slow camera: answers", len(staged.answers("slow", *span)) / window_s(case), "fps"
        )
        quiet_ms = alone.p99_ms(healthy, span)
        case.slower("others: p99", staged.p99_ms(healthy, span), quiet_ms, 1.2)
        staged.untouched(healthy, *span)


@contextmanager
def left_alone(case: Case) -> Iterator[Stage]:
    """A daemon with four cameras to which nothing happens."""
    with four_cameras(case) as (staged, _):
        yield staged


def metrics_abused(case: Case) -> None:
    """Fifty readers that take a byte at a time, and a path of 10 MB."""
    with left_alone(case) as alone, left_alone(case) as staged:
        from_s = time.monotonic()
        with slow_readers(staged) as readers:
            case.equal("10 MB path", long_path(staged), "refused")
            while time.monotonic() < from_s + window_s(case):
                for reader in readers:
                    with suppress(OSError):
                        reader.recv(1)
                time.sleep(0.05)
        span = (from_s, time.monotonic())
        case.slower("p99", staged.p99_ms(OTHERS, span), alone.p99_ms(OTHERS, span), 1.1)
        staged.untouched(OTHERS, *span)


@contextmanager
def slow_readers(staged: Stage) -> Iterator[list[socket.socket]]:
    """Fifty who have asked for /metrics."""
    host, port = staged.daemon.http.split(":")
    request = f"GET /metrics HTTP/1.1\r\nHost: {staged.daemon.http}\r\n\r\n".encode()
    with ExitStack() as stack:
        readers = []
        for _ in range(50):
            reader = stack.enter_context(socket.create_connection((host, int(port)), timeout=1.0))
            reader.sendall(request)
            readers.append(reader)
        yield readers


def long_path(staged: Stage) -> str:
    host, port = staged.daemon.http.split(":")
    address = (host, int(port))
    # It may hang up in the middle.
    with suppress(ConnectionError), socket.create_connection(address, timeout=5) as client:
        client.sendall(b"GET /" + b"a" * 10_000_000 + b" HTTP/1.1\r\n\r\n")
        return "refused" if b" 4" in client.recv(100)[:12] else "answered"
    return "refused"


def descriptors_run_out(case: Case) -> None:
    """No new descriptor can be had: one camera must reconnect, somebody scrapes."""
    with four_cameras(case) as (staged, camera):
        quiet = staged.cpu_share(window_s(case))
        soft, hard = resource.prlimit(staged.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(staged.pid, resource.RLIMIT_NOFILE, (3, hard))
        from_s = time.monotonic()
        camera.stop()
        camera.start()
        host, port = staged.daemon.http.split(":")
        with socket.create_connection((host, int(port))):
            _, first_reason = staged.loss_after("faulty", from_s)
            share = staged.cpu_share(window_s(case))
            reasons = {s.reason for at_s, s in staged.heard.statuses["faulty"] if at_s > from_s}
            case.equal(
                "reason", "resources" if "resources" in reasons else first_reason, "resources"
            )
            case.at_most("CPU of what it was", share / quiet, 1.1, "×")
            staged.untouched(OTHERS, from_s, time.monotonic())
        resource.prlimit(staged.pid, resource.RLIMIT_NOFILE, (soft, hard))
        staged.steady(["faulty"])


def threads_run_out(case: Case) -> None:
    cameras = {"faulty": SCENE, "b": {"url": f"{SCENE['url']}&seed=2"}}
    with stage(case, cameras, "--no-thread=faulty") as staged:
        case.equal("reason", staged.daemon.camera_is("faulty", "failed")["reason"], "resources")
        staged.steady(["b"])
        from_s = time.monotonic()
        time.sleep(2.0)
        staged.untouched(["b"], from_s, time.monotonic())


def memory_runs_out(case: Case) -> None:
    """One camera takes 100 MB more for every picture; the bound of the process is 1.2 GB away."""
    with four_cameras(case, "--grow=faulty", "--trim-after-s=1") as (staged, _):
        from_s = time.monotonic()
        after_s, reason = staged.loss_after("faulty", from_s)
        case.equal("reason", reason, "resources")
        case.note("lost after", after_s, "s")
        span = (from_s, time.monotonic() + window_s(case))
        time.sleep(window_s(case))
        case.note("others: p99", staged.p99_ms(OTHERS, span), "ms")
        staged.untouched(OTHERS, *span)
        staged.remark(OTHERS)


ROWS = (
    Row(
        "10",
        "one camera frozen, decoding of another slowed to 1 fps",
        "the others keep their pace",
        neighbours_fail,
    ),
    Row(
        "18",
        "/metrics: fifty slow readers, a path of 10 MB",
        "the daemon does not notice",
        metrics_abused,
    ),
    Row(
        "20",
        "no file descriptor left",
        "the camera that needs one says so; no spin",
        descriptors_run_out,
    ),
    Row(
        "20c",
        "decoding one camera takes memory without end",
        "that camera is lost as resources, others run",
        memory_runs_out,
    ),
    Row("20b", "no thread left for a camera", "that camera failed, others run", threads_run_out),
)
