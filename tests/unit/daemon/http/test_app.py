"""The HTTP application without a socket: what each path answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urljoin

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from config.camera import CameraConfig
from config.schema import HttpConfig
from daemon.books.states import CameraState
from daemon.http.app import HttpApp
from daemon.http.scraping import Scraper
from daemon.http.shell import STATIC
from daemon.tracking.watcher import Lasting
from tests.support import messages
from tests.support.fakes import FakeClock, ShownSights, frame, one_box
from tests.support.reporting import FakeReporter, camera_report, view_of
from tests.support.web import Browser


class House:
    """An application with two cameras; `gate` has been seen, `yard` has not."""

    def __init__(self, http: HttpConfig | None = None) -> None:
        self.reporter = FakeReporter(
            camera_report("gate"),
            camera_report(
                "yard", CameraState.BACKOFF, reason="auth", last_frame_s=None, retry_s=60
            ),
        )
        self.board = ShownSights()
        self.board.show(frame("gate", 99.0), one_box(), ("person", "car"), inferred_s=99.025)
        self.clock = FakeClock(100.0)
        self.view = view_of(self.reporter, self.board, clock=self.clock, http=http)
        self.app = HttpApp(self.view)
        self.http = Browser(self.app)


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.app.close()


def decoded(jpeg: bytes) -> npt.NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def test_healthz_is_200_while_there_is_progress_and_503_with_the_reason_when_not(
    house: House,
) -> None:
    assert house.http.get("/healthz").status_code == 200
    house.reporter.stuck_because = "inference has not returned for 31 s"
    answer = house.http.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "inference has not returned for 31 s"


@pytest.mark.parametrize(
    "missing", ["model_warm", "sinks_bound", "capture_started", "not_draining"]
)
def test_readyz_is_503_and_names_what_is_missing(house: House, missing: str) -> None:
    assert house.http.get("/readyz").json() == {"ready": True, "missing": []}
    house.reporter.ready = replace(house.reporter.ready, **{missing: False})
    answer = house.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "missing": [missing]}


@pytest.mark.parametrize("accept", ["*/*", "application/openmetrics-text; version=1.0.0"])
def test_metrics_are_prometheus_text_whatever_is_asked_for(house: House, accept: str) -> None:
    answer = house.http.get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'vedette_camera_up{camera="gate"} 1.0' in answer.text


def test_cameras_tell_state_stream_books_and_picture(house: House) -> None:
    gate, yard = house.http.get("/api/v1/cameras").json()["cameras"]
    assert (gate["name"], gate["state"], gate["in_state_s"]) == ("gate", "streaming", 10.0)
    assert gate["stream"]["codec"] == "h264"
    assert gate["fps"]["target"] == 5.0
    assert gate["frames"]["captured"] == 6
    assert gate["frames"]["dropped"]["fps_cap"] == 2
    assert gate["frames"]["in_flight"] == 1
    assert gate["frames"]["balanced"] is True
    assert gate["last_frame_age_s"] == 0.5
    assert gate["picture"] == {
        "captured_ns": 99_000_000_000,
        "age_s": 1.0,
        "latency_ms": 25.0,
        "size": [64, 48],
        "objects": 1,
        "parts": [],
    }
    assert (yard["state"], yard["reason"], yard["retry_s"]) == ("backoff", "auth", 60)
    assert yard["picture"] is None
    assert yard["last_frame_age_s"] is None


def test_objects_that_are_followed_are_told_with_their_numbers(house: House) -> None:
    lasting = Lasting(42, 3.21, ("drive",), stationary=True)
    sight = house.board.latest("gate")
    assert sight is not None
    house.board.seat("gate").sight = msgspec.structs.replace(sight, objects=(lasting,))
    told = {"track": 42, "age_s": 3.21, "zones": ["drive"], "stationary": True}
    (found,) = house.http.get("/api/v1/cameras/gate").json()["detections"]
    assert told.items() <= found.items()
    assert b'"track":42' in house.http.get("/live?camera=gate&once=1").content


def test_one_camera_adds_its_last_detections(house: House) -> None:
    gate = house.http.get("/api/v1/cameras/gate").json()
    assert gate["detections"] == [
        {"label": "person", "class_id": 0, "score": 0.9, "box": [8.0, 6.0, 24.0, 36.0]}
    ]
    assert house.http.get("/api/v1/cameras/yard").json()["detections"] is None


def test_status_tells_of_the_whole_daemon(house: House) -> None:
    house.clock.advance(12)
    status = house.http.get("/api/v1/status").json()
    assert status["ready"] is True
    assert status["uptime_s"] == 12
    assert status["model"]["name"] == "fake"
    assert status["cameras"] == {"streaming": 1, "backoff": 1}
    assert status["frames"]["captured"] == 12
    assert status["sinks"][0]["counts"]["published"]["detection"] == 7
    house.reporter.model_report = None
    assert house.http.get("/api/v1/status").json()["model"] is None


def test_status_tells_of_who_listens(house: House) -> None:
    status = house.http.get("/api/v1/status").json()
    assert status["events"] == {"listeners": 0, "dropped": 0}


def test_history_is_empty_until_the_server_has_run_for_a_while(house: House) -> None:
    assert house.http.get("/api/v1/cameras/gate/history").json() == {
        "step_s": 5.0,
        "captured_fps": [],
        "inferred_fps": [],
        "lost_fps": [],
        "latency_ms": [],
    }


def test_config_is_what_the_view_gives(house: House) -> None:
    assert house.http.get("/api/v1/config").json() == {"version": 1}


def test_snapshot_shows_the_boxes_unless_told_otherwise(house: House) -> None:
    drawn = house.http.get("/api/v1/cameras/gate/snapshot.jpg")
    plain = house.http.get("/api/v1/cameras/gate/snapshot.jpg?boxes=0")
    assert drawn.headers["content-type"] == "image/jpeg"
    assert drawn.headers["cache-control"] == "no-store"
    assert drawn.headers["x-picture-age-seconds"] == "1.000"
    assert np.ptp(decoded(drawn.content)) > 100
    assert np.ptp(decoded(plain.content)) < 10


def test_snapshot_has_the_width_that_is_asked_for(house: House) -> None:
    image = decoded(house.http.get("/api/v1/cameras/gate/snapshot.jpg?width=32").content)
    assert image.shape == (24, 32, 3)


@pytest.mark.parametrize(
    "query", ["width=0", "width=99999999999", "width=x", "width=²", "width=", "boxes=2", "boxes=-1"]
)
def test_a_senseless_query_is_refused_with_the_reason(house: House, query: str) -> None:
    answer = house.http.get(f"/api/v1/cameras/gate/snapshot.jpg?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["reason"] == "bad_query"


def test_no_picture_yet_is_503_and_says_so(house: House) -> None:
    answer = house.http.get("/api/v1/cameras/yard/snapshot.jpg")
    assert answer.status_code == 503
    assert answer.json()["error"]["reason"] == "no_picture_yet"
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/cameras/nobody",
        "/api/v1/cameras/nobody/snapshot.jpg",
        "/api/v1/cameras/nobody/history",
        "/api/v1/events?camera=nobody",
        "/live/nobody.mjpg",
        "/api/v1/cameras/%3Cscript%3E",
    ],
)
def test_an_unknown_camera_is_404(house: House, path: str) -> None:
    answer = house.http.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["reason"] == "unknown_camera"


@pytest.mark.parametrize("path", ["/nope", "/static/nope.js", "/static/../app.py", "/api/v1"])
def test_an_unknown_path_is_404_in_json(house: House, path: str) -> None:
    answer = house.http.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["reason"] == "not_found"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/config", "/nope"])
def test_only_reading_is_allowed(house: House, method: str, path: str) -> None:
    answer = house.http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["error"]["reason"] == "method_not_allowed"


@pytest.mark.parametrize(
    "headers", [{"content-length": "5"}, {"transfer-encoding": "chunked"}, {"content-length": "x"}]
)
def test_a_request_with_a_body_is_refused_and_its_connection_closed(
    house: House, headers: dict[str, str]
) -> None:
    answer = house.http.get("/healthz", headers=headers)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert house.http.get("/healthz", headers={"content-length": "0"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/healthz", "/", "/live/gate.mjpg", "/api/v1/cameras/gate/snapshot.jpg"),
        *("/camera/gate", "/api/v1/events", "/api/v1/events?camera=gate", "/live?camera=gate"),
        *("/recordings", "/api/v1/recordings"),
    ],
)
def test_head_is_answered_without_a_body(house: House, path: str) -> None:
    answer = house.http.head(path)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/metrics", "/nope", "/api/v1/cameras"])
def test_every_answer_carries_the_security_headers(house: House, path: str) -> None:
    headers = house.http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/", "/camera/gate", "/recordings", "/events", "/camera/gate/zones"]
)
def test_a_page_works_under_its_own_policy_and_without_the_internet(
    house: House, path: str
) -> None:
    page = house.http.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    for inline in (
        "style=",
        "onclick=",
        "<style",
        "javascript:",
        "http://",
        "https://",
        "<script>",
    ):
        assert inline not in page.text
    assets = set(re.findall(r'"((?:\./|(?:\.\./)+)static/[^"]+)"', page.text))
    assert len(assets) == 6
    for asset in assets:
        assert house.http.get(urljoin(path, asset)).status_code == 200
    assert not re.search(r'(?:href|src)="/', page.text), "addresses count from the page"


def test_scripts_import_only_each_other() -> None:
    scripts = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}
    imported = {
        name for text in scripts.values() for name in re.findall(r'from "\./([^"]+)"', text)
    }
    imported |= {
        name for text in scripts.values() for name in re.findall(r'import "\./(.+)"', text)
    }
    pages = {"overview.js", "camera.js", "recordings.js", "refusal.js", "zones.js", "events.js"}
    pages |= {"fleet.js"}
    assert imported | pages == set(scripts)
    for text in scripts.values():
        assert "innerHTML" not in text
        assert '"style"' not in text


@pytest.mark.parametrize(
    ("path", "status", "way_back"),
    [
        ("/nosuch", 404, "./"),
        ("/camera/nobody", 404, "../"),
        ("/a/b/c", 404, "../../"),
        ("/api/v1/cameras/nobody", 404, "../../../"),
        ("/api/v1/cameras/yard/snapshot.jpg", 503, "../../../../"),
    ],
)
def test_a_browser_gets_a_page_with_a_way_back(
    house: House, path: str, status: int, way_back: str
) -> None:
    page = house.http.get(path, headers={"accept": "text/html,*/*;q=0.8"})
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert f'href="{way_back}">Go to the live pictures' in page.text
    assert urljoin(f"http://localhost{path}", way_back) == "http://localhost/"
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_what_was_asked_for_is_never_html_of_the_page_that_answers(house: House) -> None:
    page = house.http.get("/<script>alert(1)</script>", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("path", ["/vedette/api/v1/recordings", "/api/v1/recordings"])
def test_behind_a_proxy_addresses_carry_its_prefix_whether_it_takes_it_off_or_not(
    house: House, path: str
) -> None:
    assert house.http.get(path, headers={"x-forwarded-prefix": "/vedette/"}).status_code == 200


@pytest.mark.parametrize(
    "prefix", ["//elsewhere.example", "/a/../b", "vedette", "/a b", "/%2e", "/" + "a" * 100, "/"]
)
def test_a_prefix_that_is_no_plain_path_is_left_aside(house: House, prefix: str) -> None:
    headers = {"x-forwarded-prefix": prefix}
    assert house.http.get("/api/v1/cameras", headers=headers).status_code == 200


def test_a_dead_camera_says_who_does_not_answer_and_what_to_do(house: House) -> None:
    gate, yard = house.http.get("/api/v1/cameras").json()["cameras"]
    assert gate["trouble"] is None
    assert yard["trouble"]["what"] == "10.0.0.5:554 refuses the login."
    assert "credential" in yard["trouble"]["advice"]
    assert yard["address"] == "10.0.0.5:554"
    assert yard["blind_s"] == 10.0


def test_a_camera_tells_its_places_and_how_many_are_in_them(house: House) -> None:
    gate = house.http.get("/api/v1/cameras/gate").json()
    assert (gate["zones"], gate["lines"], gate["counts"]) == ({}, {}, None)
    places = {
        "zones": {"drive": {"area": [[0, 0], [1, 0], [1, 1]], "labels": ["car"]}},
        "lines": {"door": {"from": [0, 0.5], "to": [1, 0.5], "left": "in", "right": "out"}},
    }
    config = CameraConfig.model_validate({"url": "rtsp://10.0.0.5/stream", **places})
    house.reporter.camera_reports[0] = camera_report("gate", config=config)
    house.view.events.put(messages.count("gate", persons=2))
    gate = house.http.get("/api/v1/cameras/gate").json()
    assert {"zones": gate["zones"], "lines": gate["lines"]} == places
    assert gate["counts"]["present"] == {"person": 2}
    assert house.http.get("/api/v1/cameras/yard").json()["counts"] is None


def test_live_pictures_of_many_are_asked_for_by_name(house: House) -> None:
    answer = house.http.get("/live?camera=gate&camera=yard&width=32&once=1")
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=")
    assert answer.content.count(b"image/jpeg") == 1, "yard has not been seen"
    assert b'"camera":"gate"' in answer.content
    assert b'"label":"person"' in answer.content


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("?width=640", 400), ("?camera=nobody", 404), ("?camera=gate&width=5000", 400)],
)
def test_a_senseless_look_is_refused(house: House, query: str, status: int) -> None:
    assert house.http.get(f"/live{query}").status_code == status


@pytest.mark.parametrize(
    "path", ["/", "/camera/gate", "/live/gate.mjpg", "/api/v1/cameras/gate/snapshot.jpg"]
)
def test_with_live_off_no_picture_leaves_the_house(path: str) -> None:
    http = House(HttpConfig(live=False)).http
    answer = http.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["reason"] == "pictures_off"
    assert http.get("/static/base.css").status_code == 200, "the page that says so has its style"
    assert http.get("/metrics").status_code == 200
    assert http.get("/api/v1/cameras/gate").status_code == 200


def test_a_bug_is_a_json_500_with_the_headers_and_without_its_text(house: House) -> None:
    def broken() -> list[object]:
        raise RuntimeError("secret detail")

    house.reporter.cameras = broken  # type: ignore[method-assign,assignment]
    answer = house.http.get("/api/v1/cameras")
    assert answer.status_code == 500
    assert answer.json()["error"]["reason"] == "internal_error"
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_close_before_the_server_ever_ran_is_harmless() -> None:
    HttpApp(view_of(FakeReporter())).close()


def test_a_crowd_of_scrapers_shares_one_page() -> None:
    made = 0

    class Slow(Collector):
        def collect(self) -> list[Metric]:
            nonlocal made
            made += 1
            return []

    async def crowd() -> list[tuple[bytes, str]]:
        scraper = Scraper(registry)
        pages = await asyncio.gather(*(scraper.page() for _ in range(50)))
        await scraper.page()
        return pages

    registry = CollectorRegistry()
    registry.register(Slow())
    made = 0
    pages = asyncio.run(crowd())
    assert len(set(pages)) == 1
    assert made == 2  # the crowd's, and that of who came after
