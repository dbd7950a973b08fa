"""What a scrape of `/metrics` costs: `python -m tests.bench.scrape [CAMERAS]`, 64 by default.

Over a real connection to a real server. The processor's time is that of making the page, which
holds the interpreter meanwhile.
"""

from __future__ import annotations

import http.client
import statistics
import sys
import time
from dataclasses import replace

from prometheus_client import generate_latest

from daemon.clock import SystemClock
from daemon.http.app import HttpApp
from daemon.http.server import HttpServer
from tests.support.reporting import FakeReporter, busy_registry, camera_report, view_of

TIMES = 50


def main(cameras: int) -> None:
    registry = busy_registry(cameras)
    cost_ms = []
    for _ in range(TIMES):
        began_s = time.thread_time()
        page = generate_latest(registry)
        cost_ms.append((time.thread_time() - began_s) * 1e3)
    asked_ms = _scrapes(cameras)
    print(f"{cameras} cameras, {page.count(b'vedette_')} lines, {len(page) / 1e6:.2f} MB")
    print(f"processor {_words(cost_ms)}")
    print(f"scrape    {_words(asked_ms)}")


def _scrapes(cameras: int) -> list[float]:
    """Milliseconds from the request to the last byte."""
    view = view_of(FakeReporter(camera_report("gate")), clock=SystemClock())
    view = replace(view, registry=busy_registry(cameras))
    server = HttpServer(HttpApp(view), "127.0.0.1", 0)
    server.bind()
    server.start()
    try:
        connection = http.client.HTTPConnection(*server.address, timeout=10)
        took_ms = []
        for _ in range(TIMES):
            began_s = time.monotonic()
            connection.request("GET", "/metrics")
            connection.getresponse().read()
            took_ms.append((time.monotonic() - began_s) * 1e3)
        connection.close()
        return took_ms
    finally:
        server.stop()


def _words(values_ms: list[float]) -> str:
    median, p95 = statistics.median(values_ms), statistics.quantiles(values_ms, n=20)[-1]
    return f"{median:6.1f} ms median, {p95:6.1f} ms p95, {min(values_ms):6.1f} ms least"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
