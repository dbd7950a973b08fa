"""Recordings over HTTP: a list a page at a time, files that browsers may keep, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.schema import HttpConfig
from daemon.http.app import HttpApp
from daemon.recording.shelf import Part, Shelf, name_of
from sinks.envelope import Envelope
from sinks.messages import json_line
from tests.support.messages import detection
from tests.support.reporting import FakeReporter, camera_report, view_of
from tests.support.web import Browser

PATH = "/api/v1/cameras/gate/recordings"
NOON_NS = 1_795_435_200_000_000_000
NAMES = [name_of(NOON_NS + n * 10**9) for n in range(3)]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Three recordings, the newest of them with a clip."""
    shelf = Shelf(tmp_path / "gate")
    for name in NAMES:
        for part in (Part.THUMBNAIL, Part.PICTURE, Part.BOXES):
            shelf.write(name, part, b"\xff\xd8" + bytes(98))
        shelf.write(name, Part.MESSAGE, json_line(detection("gate", objects=2).message))
    shelf.write(NAMES[-1], Part.CLIP, bytes(range(100)))
    return shelf


def browser(shelf: Shelf | None, **http: object) -> Browser:
    view = view_of(
        FakeReporter(camera_report("gate"), camera_report("yard")),
        http=HttpConfig.model_validate(http),
        shelf=lambda camera: shelf if camera == "gate" else None,
    )
    return Browser(HttpApp(view))


def test_the_list_tells_what_was_seen_and_where_its_files_are(shelf: Shelf) -> None:
    answer = browser(shelf).get(PATH).json()
    assert (answer["failing"], answer["stored"], answer["next"]) == ("", 3, None)
    assert answer["stored_bytes"] == shelf.size
    newest = answer["recordings"][0]
    assert newest["name"] == NAMES[-1]
    assert newest["captured_ns"] == 1_795_000_000_000_000_000
    assert newest["detections"] == [{"label": "person", "score": 0.9123}] * 2
    assert newest["files"] == {
        "boxes": f"{PATH}/{NAMES[-1]}.boxes.jpg",
        "clip": f"{PATH}/{NAMES[-1]}.mp4",
        "message": f"{PATH}/{NAMES[-1]}.json",
        "picture": f"{PATH}/{NAMES[-1]}.jpg",
        "thumbnail": f"{PATH}/{NAMES[-1]}.thumb.jpg",
    }
    assert "clip" not in answer["recordings"][1]["files"]


def test_the_list_comes_a_page_at_a_time(shelf: Shelf) -> None:
    site = browser(shelf)
    first = site.get(f"{PATH}?limit=2").json()
    assert [entry["name"] for entry in first["recordings"]] == [NAMES[2], NAMES[1]]
    rest = site.get(f"{PATH}?limit=2&before={first['next']}").json()
    assert [entry["name"] for entry in rest["recordings"]] == [NAMES[0]]
    assert rest["next"] is None
    assert site.get(f"{PATH}?limit=0").json()["error"]["reason"] == "bad_query"


def test_a_camera_that_records_nothing_has_an_empty_list(shelf: Shelf) -> None:
    answer = browser(shelf).get("/api/v1/cameras/yard/recordings").json()
    assert (answer["stored"], answer["recordings"]) == (0, [])


def test_a_message_that_is_spoilt_or_gone_is_left_out(shelf: Shelf) -> None:
    (shelf.folder / f"{NAMES[0]}.json").write_text("{")
    (shelf.folder / f"{NAMES[1]}.json").unlink()
    answer = browser(shelf).get(PATH).json()
    assert [entry["name"] for entry in answer["recordings"]] == [NAMES[2]]


@pytest.mark.parametrize(
    ("end", "media_type"),
    [
        ("jpg", "image/jpeg"),
        ("boxes.jpg", "image/jpeg"),
        ("thumb.jpg", "image/jpeg"),
        ("json", "application/json"),
        ("mp4", "video/mp4"),
    ],
)
def test_files_have_their_types_and_may_be_kept_by_this_browser_alone(
    shelf: Shelf, end: str, media_type: str
) -> None:
    answer = browser(shelf).get(f"{PATH}/{NAMES[-1]}.{end}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.headers["cache-control"] == "private, max-age=3600, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_that_the_browser_has_is_not_sent_again(shelf: Shelf) -> None:
    site = browser(shelf)
    path = f"{PATH}/{NAMES[-1]}.jpg"
    etag = site.get(path).headers["etag"]
    again = site.get(path, headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_clip_can_be_had_in_parts(shelf: Shelf) -> None:
    part = browser(shelf).get(f"{PATH}/{NAMES[-1]}.mp4", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))


@pytest.mark.parametrize(
    "asked",
    [
        f"{PATH}/{NAMES[0]}.mp4",
        f"{PATH}/..%2f..%2fsecret",
        f"{PATH}/%2e%2e/%2e%2e/secret",
        f"{PATH}/secret.jpg",
        f"{PATH}/.{NAMES[0]}.jpg.part",
        f"/api/v1/cameras/yard/recordings/{NAMES[0]}.jpg",
        f"/api/v1/cameras/..%2fgate/recordings/{NAMES[0]}.jpg",
    ],
)
def test_there_is_no_way_to_any_other_file(shelf: Shelf, asked: str) -> None:
    (shelf.folder.parent / "secret").write_text("secret")
    (shelf.folder / "secret.jpg").write_text("secret")
    answer = browser(shelf).get(asked)
    assert answer.status_code == 404
    assert b"secret" not in answer.content.replace(asked.encode(), b"").replace(b"/secret", b"")


def test_a_file_that_was_removed_is_not_found(shelf: Shelf) -> None:
    (shelf.folder / f"{NAMES[0]}.jpg").unlink()
    answer = browser(shelf).get(f"{PATH}/{NAMES[0]}.jpg")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (404, "no_recording")


def test_without_pictures_the_list_stays_and_no_file_is_given_away(shelf: Shelf) -> None:
    site = browser(shelf, live=False)
    assert len(site.get(PATH).json()["recordings"]) == 3
    answer = site.get(f"{PATH}/{NAMES[0]}.jpg")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (404, "pictures_off")


def cars(envelope: Envelope) -> bytes:
    return json_line(envelope.message).replace(b'"person"', b'"car"')


def yards(tmp_path: Path) -> Shelf:
    """Of another camera: a moment that it shares with gate, one between two of gate's."""
    shelf = Shelf(tmp_path / "yard")
    for name in (NAMES[1], name_of(NOON_NS + 1_500_000_000)):
        shelf.write(name, Part.MESSAGE, cars(detection("yard")))
    return shelf


def album(shelf: Shelf, tmp_path: Path) -> Browser:
    shelves = {"gate": shelf, "yard": yards(tmp_path)}
    reporter = FakeReporter(camera_report("gate"), camera_report("yard"))
    return Browser(HttpApp(view_of(reporter, shelf=shelves.get)))


def listed(site: Browser, query: str) -> list[tuple[str, str]]:
    answer = site.get(f"/api/v1/recordings?{query}").json()
    return [(one["name"], one["camera"]) for one in answer["recordings"]]


BETWEEN = name_of(NOON_NS + 1_500_000_000)
ALL = [
    (NAMES[2], "gate"),
    (BETWEEN, "yard"),
    (NAMES[1], "yard"),
    (NAMES[1], "gate"),
    (NAMES[0], "gate"),
]


def test_recordings_of_all_cameras_are_one_list_newest_first(shelf: Shelf, tmp_path: Path) -> None:
    site = album(shelf, tmp_path)
    assert listed(site, "") == ALL
    answer = site.get("/api/v1/recordings", headers={"x-forwarded-prefix": "/vedette"}).json()
    assert answer["stored"] == 5
    assert answer["recordings"][0]["files"]["clip"] == f"/vedette{PATH}/{NAMES[-1]}.mp4"


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_pages_of_it_leave_nothing_out_and_show_nothing_twice(
    shelf: Shelf, tmp_path: Path, limit: int
) -> None:
    site, seen, following = album(shelf, tmp_path), [], ""
    for _ in range(10):
        query = f"limit={limit}{following}"
        page = site.get(f"/api/v1/recordings?{query}").json()
        seen += [(one["name"], one["camera"]) for one in page["recordings"]]
        if page["next"] is None:
            break
        following = f"&before={page['next']}"
    assert seen == ALL


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("camera=gate", [ALL[0], ALL[3], ALL[4]]),
        ("label=car", [ALL[1], ALL[2]]),
        ("label=person&camera=yard", []),
        ("from=2026-11-23T12:00:01Z", ALL[:4]),
        ("until=2026-11-23T12:00:01Z", ALL[4:]),
        ("from=2026-11-23T13:00:01%2B01:00&until=2026-11-23T12:00:02", ALL[1:4]),
    ],
)
def test_it_is_narrowed_by_camera_label_and_time(
    shelf: Shelf, tmp_path: Path, query: str, expected: list[tuple[str, str]]
) -> None:
    assert listed(album(shelf, tmp_path), query) == expected


@pytest.mark.parametrize("query", ["from=yesterday", "until=", "limit=0"])
def test_a_senseless_wish_is_refused(shelf: Shelf, tmp_path: Path, query: str) -> None:
    answer = album(shelf, tmp_path).get(f"/api/v1/recordings?{query}")
    assert answer.json()["error"]["reason"] == "bad_query"
    unknown = album(shelf, tmp_path).get("/api/v1/recordings?camera=nobody")
    assert unknown.status_code == 404


def test_a_rare_label_is_looked_for_page_by_page(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.http.album.MOST_READ", 2)
    site = album(shelf, tmp_path)
    first = site.get("/api/v1/recordings?label=car").json()
    assert ([one["name"] for one in first["recordings"]], bool(first["next"])) == ([BETWEEN], True)
    rest = listed(site, f"label=car&before={first['next']}")
    assert rest == [(NAMES[1], "yard")]
