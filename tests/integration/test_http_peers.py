"""Peers that take their time, keep connections or listen for ever: they cost others nothing."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from config.schema import HttpConfig
from daemon.errors import ListenError
from daemon.http import connection, server
from daemon.http.app import HttpApp
from daemon.http.server import MAX_HEAD_BYTES, HttpServer
from sinks.crowd import HangUp
from sinks.envelope import Envelope
from sinks.messages import StatusMessage
from tests.support.fakes import GreyPicture
from tests.support.reporting import FakeReporter, view_of
from tests.support.site import Site, running_site
from tests.support.waiting import until

pytestmark = pytest.mark.integration

TOKEN = "5f2c9e61d8b07a34"


class NoisePicture(GreyPicture):
    """One that makes a large JPEG."""

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        shape = super().to_bgr(max_width).shape
        return np.random.default_rng(1).integers(0, 255, shape, np.uint8)


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site("gate", "yard") as site:
        yield site


def hung_up(peer: socket.socket) -> bool:
    """Whether the daemon has closed this connection; reads what came before."""
    try:
        while peer.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


class TestPatience:
    """How long a request may take to arrive."""

    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection, "REQUEST_S", 0.3)

    def test_a_connection_that_sends_nothing_is_closed(self, site: Site) -> None:
        with site.connect() as peer:
            assert hung_up(peer)

    def test_a_request_that_drips_in_is_cut_off(self, site: Site) -> None:
        started_s = time.monotonic()
        with site.connect() as peer, contextlib.suppress(ConnectionError):
            for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 1000:
                peer.sendall(bytes([byte]))
                time.sleep(0.02)
        assert 0.3 <= time.monotonic() - started_s < 2

    def test_the_second_request_of_a_connection_may_not_drip_either(self, site: Site) -> None:
        with site.connect() as peer:
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert peer.recv(12) == b"HTTP/1.1 200"
            started_s = time.monotonic()
            with contextlib.suppress(ConnectionError):
                for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: " + b"x" * 1000:
                    peer.sendall(bytes([byte]))
                    time.sleep(0.02)
            assert time.monotonic() - started_s < 2

    def test_a_stream_may_last_as_long_as_it_likes(self, site: Site) -> None:
        with site.watch() as viewer:
            deadline_s = time.monotonic() + 0.8
            while time.monotonic() < deadline_s:
                site.see()
                assert viewer.recv(65536)


def test_a_head_that_is_too_long_is_refused(site: Site) -> None:
    with site.connect() as peer:
        with contextlib.suppress(ConnectionError):
            peer.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * (2 * MAX_HEAD_BYTES))
        assert hung_up(peer)
    assert site.get("/healthz")[0] == 200


def test_a_body_is_refused_and_the_connection_closed(site: Site) -> None:
    with site.connect() as peer:
        peer.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nx")
        assert peer.recv(12) == b"HTTP/1.1 413"
        assert hung_up(peer)


def test_a_head_that_is_too_long_is_refused_even_if_it_comes_at_once_and_whole(site: Site) -> None:
    for length, answer in ((14_000, b"HTTP/1.1 200"), (100_000, b"HTTP/1.1 400")):
        with site.connect() as peer, contextlib.suppress(ConnectionError):
            head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: %b\r\n\r\n"
            peer.sendall(head % (b"x" * length))
            assert peer.recv(12) == answer


def test_many_that_say_nothing_keep_nobody_out_and_the_oldest_go(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running_site("gate", most_connections=8) as site, contextlib.ExitStack() as peers:
        silent = [peers.enter_context(site.connect()) for _ in range(20)]
        for _ in range(3):
            assert site.get("/healthz")[0] == 200
        assert hung_up(silent[0])
        attendance = site.server.attendance
        assert attendance.connections <= 8
        assert attendance.closed[HangUp.PEER] >= 16
        until(lambda: caplog.text.count("connection closed listener=http reason=peer") == 1)


def test_who_reads_a_stream_is_not_sent_away_for_newcomers() -> None:
    with (
        running_site("gate", most_connections=8) as site,
        site.watch() as viewer,
        contextlib.ExitStack() as peers,
    ):
        for _ in range(20):
            peers.enter_context(site.connect())
        site.see()
        assert viewer.recv(65536)


def test_a_viewer_that_takes_nothing_is_cut_off_and_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "STALL_S", 0.3)
    with running_site("gate") as site, site.watch():
        picture = NoisePicture(960, 700)
        deadline_s = time.monotonic() + 20
        while site.feed.viewers and time.monotonic() < deadline_s:
            site.see(picture=picture)
            time.sleep(0.05)
        assert site.feed.viewers == 0
        assert site.server.attendance.closed[HangUp.STALLED] == 1


def test_an_answer_that_nobody_takes_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HUNG_MS", 500)
    with running_site(*(f"cam{n}" for n in range(200))) as site:
        connections = site.server._server.server_state.connections
        with site.ask_and_hang("/metrics"):
            until(lambda: len(connections) == 1)
            until(lambda: not connections, 10)


def listening(site: Site, query: str = "") -> socket.socket:
    """A listener whose answer has begun."""
    peer = site.connect()
    peer.sendall(f"GET /api/v1/events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    received = b""
    while b"retry: 2000" not in received:
        received += peer.recv(4096)
    assert b"content-type: text/event-stream" in received
    return peer


def change(camera: str) -> Envelope:
    return Envelope(
        StatusMessage(
            epoch="9f3c", node="lodge", camera=camera, state="stalled", reason="silent", since_ns=1
        )
    )


def test_events_come_as_they_happen(site: Site) -> None:
    with listening(site) as all_cameras, listening(site, "?camera=yard") as yard:
        for camera in ("gate", "yard"):
            site.events.put(change(camera))
        received = b""
        while received.count(b"event: status") < 2:
            received += all_cameras.recv(65536)
        assert b'"camera":"gate"' in received
        alone = yard.recv(65536)
        assert b'"camera":"yard"' in alone
        assert b'"camera":"gate"' not in alone


def test_a_listener_that_leaves_makes_room(site: Site) -> None:
    for _ in range(20):  # more than there may be at a time
        with listening(site):
            pass
        until(lambda: site.events.listeners < 8)
    until(lambda: site.events.listeners == 0)
    assert json.loads(site.get("/api/v1/status")[1])["events"] == {"listeners": 0, "dropped": 0}


def test_listeners_do_not_delay_the_stop(site: Site) -> None:
    with listening(site) as peer:
        started_s = time.monotonic()
        assert site.server.stop()
        assert time.monotonic() - started_s < 1.0
        assert hung_up(peer)


def test_history_grows_while_the_server_runs(site: Site) -> None:
    def points() -> int:
        return len(json.loads(site.get("/api/v1/cameras/gate/history")[1])["captured_fps"])

    until(points, 8)


def test_the_token_is_asked_for_on_a_real_connection(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    with running_site("gate", http=HttpConfig(token=f"file:{file}")) as site:
        assert site.get("/healthz")[0] == 200
        assert site.get("/metrics")[0] == 401
        assert site.get("/live/gate.mjpg")[0] == 401
        assert site.get("/metrics", {"Authorization": f"Bearer {TOKEN}"})[0] == 200


def test_a_token_of_systemd_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "http_token").write_text(TOKEN)
    monkeypatch.setitem(os.environ, "CREDENTIALS_DIRECTORY", str(tmp_path))
    with running_site("gate", http=HttpConfig(token="http_token")) as site:
        assert site.get("/metrics", {"Authorization": f"Bearer {TOKEN}"})[0] == 200


def test_a_token_that_cannot_be_read_is_one_clear_line_at_start_up(tmp_path: Path) -> None:
    view = view_of(FakeReporter(), http=HttpConfig(token=f"file:{tmp_path}/token"))
    with pytest.raises(ListenError) as caught:
        HttpServer(HttpApp(view), "127.0.0.1", 0).bind()
    assert str(caught.value) == (
        f"http.token: credential file {tmp_path}/token cannot be read: no such file or directory"
    )
