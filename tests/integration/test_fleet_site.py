"""The fleet's address with real daemons' listeners behind it: pages, pictures, faults, bounds."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.schema import HttpConfig, ListenerConfig
from daemon.clock import SystemClock
from daemon.fleet.site import proxy
from daemon.fleet.site.app import fleet_server
from daemon.fleet.view import FleetView
from tests.support.browser import Chromium, chromium
from tests.support.daemon_process import free_port
from tests.support.fleet_view import camera, fleet, node
from tests.support.site import Site, running_site
from tests.support.waiting import until

pytestmark = pytest.mark.integration

TOKEN = "t" * 32


class Fleet:
    """The fleet's listener, on a free port; `view` may be replaced at any time."""

    def __init__(
        self,
        view: FleetView,
        *,
        node_token: str | None = None,
        **listener: object,
    ) -> None:
        self.view = view
        self.port = free_port()
        config = ListenerConfig(listen=f"127.0.0.1:{self.port}", **listener)  # type: ignore[arg-type]
        self.server = fleet_server(
            lambda: self.view,
            config,
            SystemClock(),
            node_token=lambda: node_token,
        )
        self.url = f"http://127.0.0.1:{self.port}"

    def get(
        self, path: str, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            found = {key.lower(): value for key, value in answer.getheaders()}
            return answer.status, found, answer.read()


@contextlib.contextmanager
def running_fleet(view: FleetView, **options: object) -> Iterator[Fleet]:
    found = Fleet(view, **options)  # type: ignore[arg-type]
    found.server.bind()
    found.server.start()
    try:
        yield found
    finally:
        assert found.server.stop()


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site("gate", "yard") as site:
        yield site


def over(site: Site, *cameras: str) -> FleetView:
    """A fleet whose one server is this site."""
    names = cameras or ("gate", "yard")
    return fleet(
        node("alder", f"127.0.0.1:{site.port}"), cameras=tuple(camera(name) for name in names)
    )


def test_pages_facts_and_pictures_come_through_under_the_fleets_address(site: Site) -> None:
    with running_fleet(over(site)) as fleet:
        for place in ("/fleet/at/gate", "/fleet/node/alder"):
            status, headers, page = fleet.get(f"{place}/camera/gate")
            assert status == 200
            assert headers["content-type"].startswith("text/html")
            assert "default-src 'none'" in headers["content-security-policy"]
            assert b'href="../static/base.css"' in page
            status, headers, facts = fleet.get(f"{place}/api/v1/cameras/gate")
            assert (status, headers["content-type"]) == (200, "application/json")
            assert b'"name":"gate"' in facts
            status, headers, jpeg = fleet.get(f"{place}/api/v1/cameras/gate/snapshot.jpg?width=64")
            assert (status, jpeg[:2]) == (200, b"\xff\xd8")
            assert "x-picture-age-seconds" in headers
        status, headers, _ = fleet.get("/fleet/node/alder/static/base.css")
        assert status == 200
        again = fleet.get("/fleet/node/alder/static/base.css", {"if-none-match": headers["etag"]})
        assert again[0] == 304
        assert fleet.get("/fleet/node/alder/api/v1/cameras/nobody")[0] == 404


def test_live_pictures_stream_through_and_end_with_their_viewer(site: Site) -> None:
    with running_fleet(over(site)) as fleet:
        viewer = socket.create_connection(("127.0.0.1", fleet.port), timeout=5)
        viewer.sendall(b"GET /fleet/at/gate/live/gate.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = b""
        shown = 0
        while got.count(b"image/jpeg") < 3:
            got += viewer.recv(65536)
            if got.count(b"image/jpeg") > shown:
                shown = got.count(b"image/jpeg")
                site.see()
        assert b"multipart/x-mixed-replace" in got
        assert site.feed.viewers == 1
        viewer.close()
        until(lambda: site.feed.viewers == 0)


def test_a_viewer_that_takes_nothing_costs_a_bounded_amount(site: Site) -> None:
    with running_fleet(over(site)) as fleet:
        hung = socket.socket()
        hung.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        hung.connect(("127.0.0.1", fleet.port))
        hung.sendall(b"GET /fleet/at/gate/live/gate.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: site.feed.viewers == 1)
        assert fleet.get("/fleet/at/yard/api/v1/cameras/yard")[0] == 200
        hung.close()
        until(lambda: site.feed.viewers == 0)


def test_a_camera_that_moves_is_followed_under_the_same_address(site: Site) -> None:
    with running_site("gate") as other, running_fleet(over(site)) as fleet:
        other.reporter.camera_reports[0] = replace(
            other.reporter.camera_reports[0],
            status=replace(other.reporter.camera_reports[0].status, reconnects=41),
        )
        assert b'"reconnects":41' not in fleet.get("/fleet/at/gate/api/v1/cameras/gate")[2]
        birch = node("birch", f"127.0.0.1:{other.port}")
        fleet.view = replace(
            fleet.view,
            nodes=(*fleet.view.nodes, birch),
            cameras=(camera("gate", "birch"), camera("yard")),
        )
        assert b'"reconnects":41' in fleet.get("/fleet/at/gate/api/v1/cameras/gate")[2]


def test_one_token_opens_the_fleet_and_another_one_its_servers(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    node_token = tmp_path / "node-token"
    node_token.write_text("n" * 32)
    node_token.chmod(0o600)
    http_config = HttpConfig(token=f"file:{node_token}")
    listener = {"token": f"file:{token}"}
    bearer = {"authorization": f"Bearer {TOKEN}"}
    path = "/fleet/at/gate/api/v1/cameras/gate"
    with running_site("gate", http=http_config) as site:
        with running_fleet(over(site, "gate"), node_token="n" * 32, **listener) as fleet:
            assert fleet.get(path)[0] == 401
            assert fleet.get(path, bearer)[0] == 200
            assert fleet.get("/healthz")[0] == 200
        with running_fleet(over(site, "gate"), **listener) as fleet:
            status, headers, body = fleet.get(path, bearer)
            assert status == 502
            assert b"does not take the fleet's token" in body
            assert "www-authenticate" not in headers


@contextlib.contextmanager
def peer(*pieces: bytes, hold: bool = False, callers: list[str] | None = None) -> Iterator[int]:
    """Somebody who answers every connection with these bytes; its port. `callers` grows with each
    request that came.
    """
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)

    def serve() -> None:
        kept = []
        while not over.is_set():
            with contextlib.suppress(OSError):
                caller, _ = listener.accept()
                caller.recv(4096)
                if callers is not None:
                    callers.append("somebody")
                for piece in pieces:
                    caller.sendall(piece)
                kept.append(caller) if hold else caller.close()
        for caller in kept:
            caller.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join()
        listener.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 40_000,
        b"HTTP/1.1 200",
    ],
)
def test_a_server_that_talks_nonsense_is_a_bad_gateway(answer: bytes) -> None:
    with peer(answer) as port, running_fleet(fleet(node("alder", f"127.0.0.1:{port}"))) as found:
        status, _, body = found.get("/fleet/node/alder/")
        assert status == 502
        assert b"does not answer" in body


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.fleet.site.courier.HEAD_S", 0.3)
    with (
        peer(hold=True) as port,
        running_fleet(fleet(node("alder", f"127.0.0.1:{port}"))) as found,
    ):
        started_s = time.monotonic()
        assert found.get("/fleet/node/alder/")[0] == 502
        assert time.monotonic() - started_s < 3.0


def test_an_answer_that_breaks_off_is_not_taken_for_the_whole() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with (
        peer(half) as port,
        running_fleet(fleet(node("alder", f"127.0.0.1:{port}"))) as found,
        pytest.raises(http.client.IncompleteRead),
    ):
        found.get("/fleet/node/alder/")


def test_what_a_server_sends_beside_its_answer_does_not_come_through() -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\nLocation: http://evil\r\n"
        b"Content-Security-Policy: none\r\nAccess-Control-Allow-Origin: *\r\n\r\nok"
    )
    with peer(answer) as port, running_fleet(fleet(node("alder", f"127.0.0.1:{port}"))) as found:
        status, headers, body = found.get("/fleet/node/alder/")
        assert (status, body) == (200, b"ok")
        assert not {"set-cookie", "location", "access-control-allow-origin"} & headers.keys()
        assert "default-src" in headers["content-security-policy"]


def test_one_server_cannot_take_all_the_places(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    monkeypatch.setattr(proxy, "MOST_OF_NODE", 2)
    monkeypatch.setattr("daemon.fleet.site.courier.HEAD_S", 3.0)
    callers: list[str] = []
    with peer(hold=True, callers=callers) as port:
        view = over(site)
        view = replace(view, nodes=(*view.nodes, node("hung", f"127.0.0.1:{port}")))
        with running_fleet(view) as found:
            waiting = [
                threading.Thread(target=found.get, args=["/fleet/node/hung/"]) for _ in range(2)
            ]
            for thread in waiting:
                thread.start()
            until(lambda: len(callers) == 2)
            assert found.get("/fleet/node/hung/")[0] == 503
            assert found.get("/fleet/node/alder/api/v1/status")[0] == 200
            for thread in waiting:
                thread.join()
            assert found.get("/fleet/node/hung/")[0] == 502


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def test_the_page_shows_servers_and_leads_to_a_cameras_live_picture_and_back(
    site: Site, browser: Chromium
) -> None:
    with running_fleet(over(site)) as fleet:
        browser.get(f"{fleet.url}/")
        until(lambda: browser.text("#health") == "1 of 1 servers up", 10)
        assert browser.texts(".node h3") == ["alder"]
        assert browser.texts(".node .chips a") == ["gate", "yard"]
        assert "3.2 of 8.0 cores" in browser.texts(".node .figures")
        browser.find_element("css selector", ".chips a").click()
        until(lambda: browser.current_url.endswith("/fleet/at/gate/camera/gate"), 10)
        until(lambda: browser.picture(".film")[0] > 0, 10)
        browser.find_element("link text", "Fleet").click()
        until(lambda: browser.current_url == f"{fleet.url}/", 10)
        assert browser.complaints() == []


def test_the_page_says_what_is_wrong_and_finds_a_camera(site: Site, browser: Chromium) -> None:
    from daemon.fleet.view import NodeState, Placement

    names = [f"cam-{n}" for n in range(300)]
    view = over(site, *names)
    parked = camera("roof", None, placement=Placement.PARKED, reason="no server has room")
    view = replace(
        view,
        nodes=(*view.nodes, node("birch", state=NodeState.LOST, reason="no report for 6 s")),
        cameras=(*view.cameras, parked),
    )
    with running_fleet(view) as fleet:
        browser.get(f"{fleet.url}/")
        until(lambda: browser.text("#health") == "1 of 2 servers up", 10)
        assert browser.texts("#alarms li")[0].startswith("Server birch is lost: no report for 6 s.")
        assert browser.texts("#homeless .chips a") == ["roof parked"]
        assert len(browser.texts(".node .chips a")) == 120
        assert "and 180 more: find them by name" in browser.texts(".node .rest")
        browser.find_element("id", "find").send_keys("cam-29")
        until(lambda: len(browser.texts(".node .chips a")) == 11)
        assert browser.faint_texts() == []
        fleet.view = replace(view, director_since_ns=None)
        until(lambda: browser.text("#health") == "no Director", 10)
        assert "nothing is moved" in browser.text("#alarm")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(site: Site, browser: Chromium, scheme: str) -> None:
    with running_fleet(over(site)) as fleet:
        try:
            browser.resize((390, 844))
            browser.emulate(("prefers-color-scheme", scheme))
            browser.get(f"{fleet.url}/")
            until(lambda: browser.text("#health") == "1 of 1 servers up", 10)
            browser.wait_for("document.documentElement.scrollWidth <= innerWidth")
            assert browser.faint_texts() == []
        finally:
            browser.emulate()
            browser.resize((1280, 900))
