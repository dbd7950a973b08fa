"""Detection over HTTP: its state shown to everyone, changed only where that is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from daemon.books.states import PAUSED, CameraState
from daemon.http.app import HttpApp
from tests.support.fakes import camera_config
from tests.support.reporting import FakeReporter, camera_report, view_of
from tests.support.switching import Switchboard
from tests.support.web import Browser

PATH = "/api/v1/cameras/gate/detect"
JSON = {"content-type": "application/json"}


class Site:
    """An application with a camera that runs and one that the file turned off."""

    def __init__(self, *, switchable: bool = True) -> None:
        self.board = Switchboard(gate=camera_config(), off=camera_config(enabled=False))
        self.reporter = FakeReporter()
        self.reporter.cameras = self._reports  # type: ignore[method-assign]
        view = view_of(self.reporter, switch=self.board.switch if switchable else None)
        self.app = HttpApp(view)
        self.http = Browser(self.app)

    def post(
        self, body: object, headers: dict[str, str] = JSON, *, path: str = PATH
    ) -> httpx.Response:
        return self.http.request("POST", path, headers=headers, json=body)

    def _reports(self) -> list[object]:
        return [
            replace(camera_report(seat.name, config=seat.config), paused=seat.paused)
            for seat in self.board.roster.seats()
        ]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.app.close()


def test_a_camera_is_paused_and_resumed(site: Site) -> None:
    paused = site.post({"enabled": False})
    assert (paused.status_code, paused.json()) == (
        200,
        {"enabled": False, "paused": True, "switchable": True},
    )
    assert site.http.get(PATH).json()["paused"] is True
    assert site.board.seat("gate").paused
    assert site.post({"enabled": True}).json()["enabled"] is True
    assert not site.board.seat("gate").paused


def test_where_it_may_not_be_changed_everyone_sees_how_it_is() -> None:
    site = Site(switchable=False)
    assert site.http.get(PATH).json() == {"enabled": True, "paused": False, "switchable": False}
    assert site.post({"enabled": False}).status_code == 405
    assert not site.board.seat("gate").paused


def test_a_camera_that_the_file_turned_off_cannot_be_switched(site: Site) -> None:
    off = "/api/v1/cameras/off/detect"
    assert site.http.get(off).json() == {"enabled": False, "paused": False, "switchable": False}
    refused = site.post({"enabled": True}, path=off)
    assert (refused.status_code, refused.json()["error"]["reason"]) == (409, "turned_off")


def test_a_camera_that_is_not_there_is_none(site: Site) -> None:
    nobody = "/api/v1/cameras/nobody/detect"
    assert site.http.get(nobody).status_code == 404
    assert site.post({"enabled": False}, path=nobody).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({**JSON, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, 403),
        ({**JSON, "host": "elsewhere.example"}, 421),
    ],
)
def test_a_page_of_another_site_can_pause_nothing(
    site: Site, headers: dict[str, str], status: int
) -> None:
    assert site.post({"enabled": False}, headers).status_code == status
    assert not site.board.seat("gate").paused


@pytest.mark.parametrize(
    "body", [[], {}, {"enabled": "no"}, {"enabled": 0}, {"enabled": 1, "x": 2}]
)
def test_a_body_that_is_none_is_refused(site: Site, body: object) -> None:
    assert site.post(body).status_code == 400
    assert not site.board.seat("gate").paused


def test_no_other_method_and_path_writes(site: Site) -> None:
    assert site.http.request("PUT", PATH, headers=JSON, json={}).status_code == 405
    for path in ("/api/v1/cameras/gate", "/api/v1/cameras/gate/zones", f"{PATH}/x"):
        assert site.post({"enabled": False}, path=path).status_code == 405


def test_the_facts_of_a_camera_say_that_it_is_paused() -> None:
    report = camera_report("gate", CameraState.DISABLED, reason=PAUSED)
    app = HttpApp(view_of(FakeReporter(replace(report, paused=True))))
    facts = Browser(app).get("/api/v1/cameras/gate").json()
    assert (facts["state"], facts["reason"], facts["paused"]) == ("disabled", "paused", True)
    app.close()
