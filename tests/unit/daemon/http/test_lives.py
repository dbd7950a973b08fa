"""What happened, over HTTP: lives with their recordings, and when something was there."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.diary.store import Store
from daemon.http.app import HttpApp
from daemon.http.lives import strip
from daemon.recording.shelf import Part, Shelf, name_of
from sinks.messages import EventMessage, json_line
from tests.support import messages
from tests.support.reporting import FakeReporter, camera_report, view_of
from tests.support.web import Browser

AT_NS = 1_795_000_000_000_000_000
PATH = "/api/v1/cameras/gate/events"


def happened(n: int, **fields: object) -> EventMessage:
    """Of object number n, ten seconds after the one before."""
    at = {"at_ns": AT_NS + n * 10**10, "id": f"e-gate-{n}", "track": n}
    first = messages.Moment(AT_NS + n * 10**10, 0.9, (0.0, 0.0, 9.0, 9.0))
    message = messages.event(**{**at, "first": first, "best": first, **fields}).message  # type: ignore[arg-type]
    assert isinstance(message, EventMessage)
    return message


def site(store: Store, shelf: Shelf | None = None) -> Browser:
    reporter = FakeReporter(camera_report("gate"), camera_report("yard"))
    return Browser(HttpApp(view_of(reporter, diary=store, shelf={"gate": shelf}.get)))


def test_lives_come_a_page_at_a_time_newest_first() -> None:
    store = Store(None)
    store.add([happened(n) for n in range(3)])
    http = site(store)
    first = http.get(f"{PATH}?limit=2").json()
    assert [life["track"] for life in first["events"]] == [2, 1]
    rest = http.get(f"{PATH}?limit=2&before={first['next']}").json()
    assert [life["track"] for life in rest["events"]] == [0]
    assert rest["next"] is None
    life = first["events"][0]
    assert (life["ended"], life["recording"], life["best"]["score"]) == ("", None, 0.9)
    assert http.get("/api/v1/objects?camera=yard").json()["events"] == []
    assert len(http.get("/api/v1/objects?label=person").json()["events"]) == 3


def test_a_life_leads_to_its_own_recording_and_to_no_other_ones(tmp_path: Path) -> None:
    shelf, store = Shelf(tmp_path / "gate"), Store(None)
    for seconds, of in ((0, ""), (8, "e-gate-1"), (3, "e-gate-2")):
        name = shelf.free_name(AT_NS + seconds * 10**9, of)
        shelf.write(name, Part.THUMBNAIL, b"\xff\xd8")
        shelf.write(name, Part.MESSAGE, json_line(messages.detection("gate").message))
        if of == "e-gate-2":
            shelf.write(name, Part.CLIP, b"")
    store.add([happened(n, at_ns=AT_NS + 20 * 10**9) for n in (0, 1, 2)])
    http = site(store, shelf)
    lives = {life["id"]: life["recording"] for life in http.get(PATH).json()["events"]}
    assert {of: recording["object"] for of, recording in lives.items()} == {
        "e-gate-0": None,
        "e-gate-1": "e-gate-1",
        "e-gate-2": "e-gate-2",
    }
    growing = http.get(lives["e-gate-1"]["files"]["thumbnail"])
    assert (growing.status_code, growing.headers["cache-control"]) == (200, "private, no-cache")
    assert lives["e-gate-2"]["files"]["clip"].endswith("_e-gate-2.mp4")
    assert "immutable" in http.get(lives["e-gate-2"]["files"]["clip"]).headers["cache-control"]
    again = http.get(
        lives["e-gate-1"]["files"]["thumbnail"], headers={"if-none-match": growing.headers["etag"]}
    )
    assert again.status_code == 304


def test_a_better_picture_of_a_life_gets_an_address_of_its_own(tmp_path: Path) -> None:
    shelf, store = Shelf(tmp_path / "gate"), Store(None)
    name = shelf.free_name(AT_NS, "e-gate-1")
    store.add([happened(1)])
    http, addresses = site(store, shelf), set()
    for size in (10, 20):
        shelf.write(name, Part.THUMBNAIL, bytes(size))
        shelf.write(name, Part.MESSAGE, json_line(messages.detection("gate").message))
        (life,) = http.get(PATH).json()["events"]
        addresses.add(life["recording"]["files"]["thumbnail"])
        assert len(http.get(life["recording"]["files"]["thumbnail"]).content) == size
    assert len(addresses) == 2


def test_a_life_leads_to_the_recording_nearest_to_its_best_moment(tmp_path: Path) -> None:
    shelf, store = Shelf(tmp_path / "gate"), Store(None)
    for seconds in (-5, 0, 4, 9, 30):
        name = name_of(AT_NS + seconds * 10**9)
        shelf.write(name, Part.THUMBNAIL, b"\xff\xd8")
        shelf.write(name, Part.MESSAGE, json_line(messages.detection("gate").message))
    best = messages.Moment(AT_NS + 5 * 10**9, 0.95, (0.0, 0.0, 9.0, 9.0))
    store.add([happened(0, best=best), happened(0, phase="end", at_ns=AT_NS + 10**10, best=best)])
    (life,) = site(store, shelf).get(PATH).json()["events"]
    assert life["recording"]["name"] == name_of(AT_NS + 4 * 10**9)
    assert life["recording"]["files"]["thumbnail"].startswith("/api/v1/cameras/gate/recordings/")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/cameras/nobody/events", 404),
        (f"{PATH}?from=soon", 400),
        ("/api/v1/objects/strip", 400),
        ("/api/v1/objects/strip?from=2026-01-01&until=2026-12-31", 400),
        ("/api/v1/objects/strip?from=2026-01-02&until=2026-01-01", 400),
        (f"{PATH}?from=0001-01-01", 400),  # no time of 64 bits
        (f"{PATH}?until=9999-12-31", 400),
        ("/api/v1/objects/strip?from=9999-12-30&until=9999-12-31", 400),
    ],
)
def test_a_senseless_question_is_refused(path: str, status: int) -> None:
    assert site(Store(None)).get(path).status_code == status


@pytest.mark.parametrize("place", ["9" * 19, "9" * 400, "-1", "NaN", "1e3", "é", "%00", "", "."])
def test_after_a_place_that_was_never_given_out_comes_a_page_all_the_same(place: str) -> None:
    store = Store(None)
    store.add([happened(0)])
    assert site(store).get(f"{PATH}?before={place}").status_code == 200


def test_a_disk_that_does_not_answer_is_503() -> None:
    store = Store(None)
    store.close()
    http = site(store)
    assert http.get(PATH).json()["error"]["reason"] == "diary_busy"
    day = "from=2026-01-01&until=2026-01-02"
    assert http.get(f"/api/v1/objects/strip?{day}").status_code == 503


def test_a_strip_marks_the_steps_in_which_something_was_there() -> None:
    spans = [("gate", "person", 5, 25), ("gate", "car", 95, 300), ("yard", "person", -20, 3)]
    assert strip(spans, 0, 100, 10) == {
        "gate": {"person": [0, 1, 2], "car": [9]},
        "yard": {"person": [0]},
    }


def test_the_strip_of_a_day_is_asked_for_by_its_bounds() -> None:
    store = Store(None)
    store.add([happened(0)])
    day = "from=2026-11-18T00:00:00Z&until=2026-11-19T00:00:00Z"
    answer = site(store).get(f"/api/v1/objects/strip?{day}&steps=24").json()
    assert answer == {"cameras": {"gate": {"person": [11]}}}
