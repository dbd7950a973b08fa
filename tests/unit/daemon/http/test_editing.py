"""Zones over HTTP: shown to everyone, changed only where that is allowed, by small JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from config.loader import load
from config.schema import HttpConfig
from daemon.books.reports import ReloadResult
from daemon.http.app import HttpApp
from tests.support.edited_file import FILE, EditedFile
from tests.support.reporting import FakeReporter, camera_report, view_of
from tests.support.web import Browser

PATH = "/api/v1/cameras/gate/zones"
JSON = {"content-type": "application/json"}
AREA = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8]]


class Site:
    """An application that edits a file."""

    def __init__(self, folder: Path, *, editable: bool = True) -> None:
        self.file = EditedFile(folder / "vedette.yaml")
        self.reporter = FakeReporter(
            camera_report("gate", config=load(self.file.path).config.cameras["gate"])
        )
        self.reporter.config = lambda: self.file.report  # type: ignore[method-assign]
        view = view_of(self.reporter, editor=self.file.editor if editable else None)
        self.app = HttpApp(view)
        self.http = Browser(self.app)

    def put(self, body: object, headers: dict[str, str] = JSON) -> httpx.Response:
        return self.http.request("PUT", PATH, headers=headers, json=body)

    def wish(self, **zones: object) -> dict[str, object]:
        return {"zones": zones, "lines": {}, "based_on": self.file.report.hash}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.app.close()


def test_everyone_sees_the_places_as_the_file_has_them(tmp_path: Path) -> None:
    shown = Site(tmp_path, editable=False).http.get(PATH).json()
    area = [[0.1, 0.5], [0.9, 0.5], [0.9, 1.0]]
    assert shown["zones"] == {"drive": {"area": area, "labels": ["person"]}}
    assert (shown["lines"], shown["labels"]) == ({}, ["person", "car"])
    assert shown["editable"] is False


def test_a_change_is_written_and_loaded(site: Site) -> None:
    answer = site.put(site.wish(lawn={"area": AREA}))
    assert (answer.status_code, answer.json()["result"]) == (200, "applied")
    assert list(load(site.file.path).config.cameras["gate"].zones) == ["lawn"]


def test_where_editing_is_off_nothing_can_be_written(tmp_path: Path) -> None:
    site = Site(tmp_path, editable=False)
    assert site.put(site.wish(lawn={"area": AREA})).status_code == 405
    assert site.file.path.read_text() == FILE


def test_what_was_refused_says_why(site: Site) -> None:
    wrong = site.put(site.wish(lawn={"area": AREA[:2]}))
    assert (wrong.status_code, wrong.json()["error"]["reason"]) == (422, "refused")
    stale = site.put({"zones": {}, "lines": {}, "based_on": "0" * 12})
    assert (stale.status_code, stale.json()["error"]["reason"]) == (409, "changed_meanwhile")
    site.file.result = ReloadResult.ROLLED_BACK
    back = site.put(site.wish(lawn={"area": AREA}))
    assert "as it was" in back.json()["error"]["detail"]
    assert site.file.path.read_text() == FILE


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({**JSON, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, 403),
        ({**JSON, "host": "elsewhere.example"}, 421),
    ],
)
def test_a_page_of_another_site_can_write_nothing(
    site: Site, headers: dict[str, str], status: int
) -> None:
    assert site.put(site.wish(lawn={"area": AREA}), headers).status_code == status
    assert site.file.path.read_text() == FILE


@pytest.mark.parametrize("body", [[], {"zones": {}}, {"zones": {}, "lines": {}, "more": 1}, "x"])
def test_a_body_that_is_none_is_refused(site: Site, body: object) -> None:
    assert site.put(body).status_code == 400


def test_a_body_that_is_too_large_is_refused_and_its_connection_closed(site: Site) -> None:
    answer = site.put(site.wish(lawn={"area": AREA * 3000}))
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


def test_other_paths_stay_for_reading(site: Site) -> None:
    for path in ("/api/v1/config", "/api/v1/cameras/gate", f"{PATH}/x"):
        assert site.http.request("PUT", path, headers=JSON).status_code == 405
    refused = site.http.request("DELETE", PATH)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, PUT")
    assert "only GET, HEAD and PUT are" in refused.json()["error"]["detail"]
    unknown = site.http.request("PUT", "/api/v1/cameras/nobody/zones", headers=JSON, json={})
    assert unknown.status_code == 404


def test_editing_needs_a_token() -> None:
    with pytest.raises(ValueError, match="give `token`"):
        HttpConfig(allow_edit=True)
