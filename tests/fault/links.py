"""Rows 1 to 6: what happens between a camera and the daemon."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from random import Random

from tests.fault.case import Case, Row
from tests.fault.stage import (
    FPS,
    OPEN_S,
    OTHERS,
    READ_S,
    SCENE,
    Footprint,
    Stage,
    four_cameras,
    stage,
)
from tests.support.fault_proxy import FaultProxy, fault_proxy, silent_server, unharmed
from tests.support.scripted_rtsp import scripted_camera

NOTICED_S = READ_S + 0.5
RETURN_S = 5.0  # the longest wait, and an open
FILLER = b"\x0c" + b"\xff" * 12_000 + b"\x80"  # a NAL unit that only weighs
QUICK = {"reconnect": {"min_s": 0.01, "max_s": 0.01, "slow_s": 0.01}}


def server_stops(case: Case) -> None:
    with four_cameras(case) as (staged, camera):
        stopped_s = time.monotonic()
        camera.stop()
        took_s, _ = staged.loss_after("faulty", stopped_s)
        case.at_most("noticed after", took_s, NOTICED_S, "s")
        time.sleep(10.0 if case.long else 2.0)
        camera.start()
        back_s = time.monotonic()
        case.at_most(
            "first answer after return", staged.answer_after("faulty", back_s), RETURN_S, "s"
        )
        staged.steady(["faulty"])
        staged.untouched(OTHERS, stopped_s, time.monotonic())


def stream_freezes(case: Case) -> None:
    with four_cameras(case) as (staged, camera):
        camera.frozen = True
        frozen_s = time.monotonic()
        took_s, reason = staged.loss_after("faulty", frozen_s)
        case.at_most("noticed after", took_s, NOTICED_S, "s")
        case.equal("reason", reason, "timeout")
        time.sleep(10.0 if case.long else 1.0)
        camera.frozen = False
        back_s = time.monotonic()
        case.at_most(
            "first answer after return", staged.answer_after("faulty", back_s), RETURN_S, "s"
        )
        staged.steady(["faulty"])
        staged.untouched(OTHERS, frozen_s, time.monotonic())


def nobody_answers(case: Case) -> None:
    for silent in (1, 8):
        with ExitStack() as stack:
            port = stack.enter_context(silent_server())
            healthy = stack.enter_context(scripted_camera(fps=FPS))
            cameras = {f"silent{n}": {"url": f"rtsp://127.0.0.1:{port}/{n}"} for n in range(silent)}
            cameras["healthy"] = {"url": healthy.url}
            staged = stack.enter_context(stage(case, cameras))
            ready_s = time.monotonic()
            first_s = staged.answer_after("healthy", ready_s)
            case.at_most(f"healthy one beside {silent}: first answer", first_s, 3.0, "s")
            opens_s = [open_seconds(staged, f"silent{n}") for n in range(silent)]
            case.at_most(f"longest open of {silent}", max(opens_s), OPEN_S + 0.3, "s")
            reasons = {
                s.reason for n in range(silent) for _, s in staged.heard.statuses[f"silent{n}"]
            }
            case.equal("reason", " ".join(sorted(reasons - {""})), "timeout")


def open_seconds(staged: Stage, camera: str) -> float:
    """How long the camera's first open took, by its own messages."""
    staged.loss_after(camera, 0.0)
    statuses = [status for _, status in list(staged.heard.statuses[camera])]
    lost = next(status for status in statuses if status.state == "backoff")
    began = next(status for status in statuses if status.state == "connecting")
    return (lost.since_ns - began.since_ns) / 1e9


def connection_breaks(case: Case) -> None:
    """At a random byte, by RST or FIN."""
    runs = 200 if case.long else 30
    with scripted_camera(fps=5 * FPS) as camera, fault_proxy(camera.port) as proxy:
        cameras = {"faulty": {"url": proxied(proxy)} | QUICK, "b": SCENE}
        with stage(case, cameras) as staged:
            staged.steady(["faulty", "b"])
            started_s = time.monotonic()
            proxy.break_at_random(Random(4), within=12_000)
            staged.wait(lambda: losses(staged, "faulty") >= runs, 300, f"{runs} losses")
            proxy.damage = unharmed
            staged.steady(["faulty"])
            reasons = {s.reason for _, s in staged.heard.statuses["faulty"]} - {""}
            unnamed = reasons - {"eof", "reset", "protocol", "no_video", "timeout"}
            case.note("broken connections", losses(staged, "faulty"), "")
            case.equal("other reasons than eof, reset, protocol, no_video", len(unnamed), 0)
            staged.untouched(["b"], started_s, time.monotonic())


def losses(staged: Stage, camera: str) -> int:
    """How often; newcomers are told the last one again, and everyone hears that."""
    statuses = [status for _, status in list(staged.heard.statuses[camera])]
    return len({status.since_ns for status in statuses if status.state == "backoff"})


def many_reconnects(case: Case) -> None:
    """Streams that really stream: a keyframe is decoded and answered, then the server closes,
    resets or falls silent.
    """
    runs, settled = (1000, 50) if case.long else (60, 20)
    with ExitStack() as stack:
        servers = [stack.enter_context(scripted_camera(fps=50.0)) for _ in range(4)]
        proxies = [stack.enter_context(fault_proxy(server.port)) for server in servers]
        cameras = {
            f"cam{n}": {"url": proxied(proxy), "read_timeout_s": 0.5} | QUICK
            for n, proxy in enumerate(proxies)
        }
        staged = stack.enter_context(stage(case, cameras))
        staged.steady(list(cameras))
        for server in servers:
            server.ends_after = 3
        for proxy in proxies:
            proxy.break_all(reset=True)

        def reconnects() -> int:
            return sum(losses(staged, name) for name in cameras)

        def reach(count: int) -> Footprint:
            while reconnects() < count:
                time.sleep(0.05)
                if reconnects() % 10 == 0:
                    proxies[reconnects() // 10 % 4].break_all(reset=True)
                servers[0].frozen = reconnects() % 100 < 2
            for server in servers:
                server.frozen = False
            return Footprint.of(staged.pid)

        before = reach(settled)
        answered = sum(len(staged.answers(name)) for name in cameras)
        after = reach(runs)
        answered = sum(len(staged.answers(name)) for name in cameras) - answered
        case.note("reconnects", reconnects(), "")
        case.at_least("pictures answered per reconnect", answered / (runs - settled), 0.5)
        case.at_most(
            f"RSS from the {settled}th to the {runs}th", after.rss_mb - before.rss_mb, 10, "MB"
        )
        for server in servers:
            server.ends_after = None
        staged.steady(list(cameras))


def bad_network(case: Case) -> None:
    random = Random(6)

    def late(data: bytes) -> bytes:
        time.sleep(random.uniform(0.1, 0.3))
        return data

    def narrow(data: bytes) -> bytes:
        time.sleep(len(data) / 64_000)
        return data

    seconds = 20.0 if case.long else 2.0
    with scripted_camera(fps=FPS) as camera, fault_proxy(camera.port) as proxy:
        camera.edit = lambda unit: replace(unit, nals=(*unit.nals, FILLER))
        with stage(case, {"faulty": {"url": proxied(proxy)}, "b": SCENE}) as staged:
            staged.steady(["faulty", "b"])
            began_s = time.monotonic()
            for what, damage, slice_bytes in (
                ("200 ± 100 ms late", late, None),
                ("64 KB/s", narrow, None),
                ("a byte at a time", lambda data: data, 1),
            ):
                proxy.damage, proxy.slice_bytes = damage, slice_bytes
                from_s = time.monotonic()
                time.sleep(seconds)
                answers = staged.answers("faulty", from_s)
                case.note(f"{what}: answers", len(answers) / seconds, "fps")
                p99_ms = staged.p99_ms(["faulty"], (from_s, time.monotonic()))
                case.note(f"{what}: capture to publish p99", p99_ms, "ms")
            order = [message.pts_s for _, message in staged.answers("faulty", began_s)]
            case.equal("pictures out of order", order != sorted(order), False)
            case.equal("gaps in seq", staged.heard.lost["faulty"], 0)
            case.equal("queues beyond their bound", queues_beyond(staged), 0)
            proxy.damage, proxy.slice_bytes = unharmed, None
            staged.steady(["faulty"])
            staged.untouched(["b"], began_s, time.monotonic())


def queues_beyond(staged: Stage) -> int:
    series = staged.series()
    depths = {n: v for n, v in series.items() if n.startswith("vedette_queue_depth")}
    return sum(v > series[n.replace("_depth", "_capacity")] for n, v in depths.items())


def proxied(proxy: FaultProxy) -> str:
    return f"rtsp://127.0.0.1:{proxy.port}/stream"


ROWS = (
    Row(
        "1", "server stopped for 10 s, and back", "lost, then back; others untouched", server_stops
    ),
    Row("2", "stream freezes, TCP stays open", "lost by timeout, then back", stream_freezes),
    Row(
        "3",
        "accepts and never answers: one, then eight",
        "opens bounded and parallel",
        nobody_answers,
    ),
    Row("4", "RST or FIN at a random byte", "reason named, no crash", connection_breaks),
    Row("5", "1000 reconnects of streams that stream", "no growth", many_reconnects),
    Row(
        "6",
        "200 ± 100 ms latency; 64 KB/s; one byte per segment",
        "order kept, queues bounded",
        bad_network,
    ),
)
