"""The HTTP server on a real socket: bad peers, stop in time, and Prometheus' own opinion."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from daemon.errors import ListenError
from daemon.http.app import HttpApp
from daemon.http.server import HttpServer
from tests.support.reporting import FakeReporter, view_of
from tests.support.require import program
from tests.support.site import Site, running_site

pytestmark = pytest.mark.integration


MANY = ("gate", *(f"cam{number}" for number in range(120)))  # /metrics outgrows socket buffers


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site(*MANY) as site:
        yield site


def test_a_port_in_use_is_one_clear_line_at_start_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = HttpServer(HttpApp(view_of(FakeReporter())), "127.0.0.1", port)
        with pytest.raises(ListenError, match=rf"^127\.0\.0\.1:{port} is in use by another"):
            server.bind()


def test_an_address_that_is_not_ours_is_one_clear_line() -> None:
    server = HttpServer(HttpApp(view_of(FakeReporter())), "192.0.2.1", 9464)
    with pytest.raises(ListenError, match=r"^192\.0\.2\.1:9464 cannot be listened on: "):
        server.bind()


def test_start_before_bind_is_a_mistake_that_is_told() -> None:
    with pytest.raises(RuntimeError, match="start before bind"):
        HttpServer(HttpApp(view_of(FakeReporter())), "127.0.0.1", 0).start()


def test_stop_frees_the_address_and_may_be_called_at_any_time() -> None:
    unbound = HttpServer(HttpApp(view_of(FakeReporter())), "127.0.0.1", 0)
    assert unbound.stop()
    site = Site(*MANY)
    assert site.server.stop()
    again = HttpServer(HttpApp(view_of(FakeReporter())), "127.0.0.1", site.port)
    again.bind()
    again.start()
    assert again.running
    assert again.stop()
    assert again.stop()
    assert not again.running


def test_the_thread_has_its_name_and_nothing_listens_beyond_loopback(site: Site) -> None:
    assert "http" in {thread.name for thread in threading.enumerate()}
    assert site.server.address == ("127.0.0.1", site.port)


def test_fifty_hung_scrapes_block_nobody(site: Site) -> None:
    assert site.get("/metrics")[0] == 200
    hung = [site.ask_and_hang("/metrics") for _ in range(50)]
    silent = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(50)]
    try:
        started_s = time.monotonic()
        assert site.get("/healthz")[0] == 200
        status, body = site.get("/metrics")
        assert status == 200
        assert body.count(b"\n") > 5000
        assert time.monotonic() - started_s < 4
    finally:
        for peer in hung + silent:
            peer.close()


def test_rates_are_measured_while_the_server_runs(site: Site) -> None:
    deadline_s = time.monotonic() + 5
    captured = None
    while captured is None and time.monotonic() < deadline_s:
        captured = json.loads(site.get("/api/v1/cameras/gate")[1])["fps"]["captured"]
        time.sleep(0.05)
    assert captured == 0.0


def test_a_viewer_sees_each_new_picture(site: Site) -> None:
    with site.watch() as viewer:
        received = b""
        while received.count(b"--picture\r\n") < 3:
            site.see()
            received += viewer.recv(65536)
        assert received.count(b"\xff\xd8\xff") >= 2


def test_the_seventeenth_viewer_is_refused_and_a_leaving_one_makes_room(site: Site) -> None:
    viewers = [site.watch() for _ in range(16)]
    try:
        status, body = site.get("/live/gate.mjpg")
        assert status == 503
        assert json.loads(body)["error"]["reason"] == "too_many_viewers"
        viewers.pop().close()
        deadline_s = time.monotonic() + 5
        while time.monotonic() < deadline_s:
            with site.ask_and_hang("/live/gate.mjpg") as late:
                late.settimeout(5)
                if late.recv(12) == b"HTTP/1.1 200":
                    return
            time.sleep(0.02)
        pytest.fail("the place of a viewer that left was never free again")
    finally:
        for viewer in viewers:
            viewer.close()


def test_viewers_and_hung_peers_do_not_delay_the_stop(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.ExitStack() as peers:
        peers.enter_context(site.watch())
        peers.enter_context(site.watch())
        peers.enter_context(socket.create_connection(("127.0.0.1", site.port)))
        started_s = time.monotonic()
        with caplog.at_level(logging.ERROR):
            assert site.server.stop()
        assert time.monotonic() - started_s < 1.0
        assert caplog.records == []


def test_a_scrape_that_is_never_read_does_not_delay_the_stop(site: Site) -> None:
    with site.ask_and_hang("/metrics") as hung:
        hung.settimeout(5)
        assert hung.recv(8) == b"HTTP/1.1"
        started_s = time.monotonic()
        assert site.server.stop()
        assert time.monotonic() - started_s < 1.1


@pytest.mark.parametrize(
    "request_bytes",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET\r\n\r\n", b"GET /" + b"x" * 100_000, b"\r\n" * 500],
)
def test_garbage_harms_nobody_else(site: Site, request_bytes: bytes) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=5) as peer:
        with contextlib.suppress(OSError):
            peer.sendall(request_bytes)
        assert site.get("/healthz")[0] == 200


def test_promtool_finds_nothing_to_say(site: Site) -> None:
    text = site.get("/metrics")[1]
    promtool = program("promtool", package="prometheus")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
