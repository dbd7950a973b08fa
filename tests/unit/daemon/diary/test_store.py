"""The lives of objects on disk: whole or not at all, found again, and bounded."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from daemon.diary import store as module
from daemon.diary.store import Store, StoreBusyError, Wish
from sinks.messages import EventMessage, Moment
from tests.support.messages import event

SECOND = 10**9


def happened(
    name: str, at_s: float, phase: str = "new", camera: str = "gate", **fields: object
) -> EventMessage:
    """Something of the object `name`, which was first seen a second before."""
    fields.setdefault("first", Moment(int((at_s - 1) * SECOND), 0.5, (0.0, 0.0, 1.0, 1.0)))
    about = {"entered": "zone", "crossed": "line"}.get(phase, "object")
    message = event(camera, about=about, phase=phase, id=name, at_ns=int(at_s * SECOND), **fields)
    assert isinstance(message.message, EventMessage)
    return message.message


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "events.sqlite")


def ids(store: Store, **wish: object) -> list[str]:
    return [life.id for life in store.lives(Wish(**wish))]  # type: ignore[arg-type]


def test_a_life_grows_with_what_happens_to_it(store: Store) -> None:
    first = Moment(9 * SECOND, 0.5, (0.0, 0.0, 1.0, 1.0))
    store.add([happened("a", 10, first=first)])
    assert store.lives(Wish())[0].ended == ""
    store.add(
        [
            happened("a", 12, "entered", zone="drive", zones=("drive",), first=first),
            happened("a", 14, "crossed", line="door", direction="in", first=first),
            happened("a", 15, "end", label="car", first=first),
        ]
    )
    (life,) = store.lives(Wish())
    assert (life.since_ns, life.until_ns, life.ended) == (9 * SECOND, 15 * SECOND, "end")
    assert (life.label, life.zones) == ("car", ["drive"])
    assert life.crossings == [{"line": "door", "direction": "in", "at_ns": 14 * SECOND}]
    assert (life.best_score, life.stationary) == (0.9123, False)


def test_lives_are_found_by_camera_label_place_and_time(store: Store) -> None:
    store.add(
        [
            happened("a", 10),
            happened("b", 20, camera="yard", label="car"),
            happened("c", 30, "entered", zone="drive", zones=("drive",)),
            happened("d", 40, "crossed", line="drive_2", direction="in"),
        ]
    )
    assert ids(store) == ["d", "c", "b", "a"], "newest first"
    assert ids(store, camera="gate") == ["d", "c", "a"]
    assert ids(store, label="car") == ["b"]
    assert ids(store, zone="drive") == ["c"]
    assert ids(store, zone="drive_2") == ["d"]
    assert ids(store, since_ns=20 * SECOND, until_ns=30 * SECOND) == ["c", "b"], "it was there then"
    assert ids(store, limit=1) == ["d"]


def test_pages_leave_nothing_out_and_show_nothing_twice(store: Store) -> None:
    first = Moment(SECOND, 0.5, (0.0, 0.0, 1.0, 1.0))
    store.add([happened(f"{n:02d}", 10 + n // 3, first=first) for n in range(10)])
    seen: list[str] = []
    before = None
    while page := store.lives(Wish(before=before, limit=4)):
        seen += [life.id for life in page]
        before = page[-1].place
    assert seen == [f"{n:02d}" for n in reversed(range(10))]
    assert ids(store, before="nonsense") == []


def test_after_a_crash_who_was_there_is_interrupted_and_nothing_is_half_written(
    store: Store, tmp_path: Path
) -> None:
    store.add([happened("a", 10), happened("b", 11), happened("b", 12, "end")])
    broken = happened("c", 13)
    with pytest.raises(AttributeError):
        store.add([broken, None])  # type: ignore[list-item]  # dies in the middle
    again = Store(tmp_path / "events.sqlite")
    assert {life.id: life.ended for life in again.lives(Wish())} == {"b": "end", "a": "interrupted"}


def test_what_is_too_old_or_too_much_goes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add([happened("a", 10), happened("b", 20), happened("c", 10, camera="yard")])
    store.prune({"gate": 15 * SECOND, "yard": 0})
    assert ids(store) == ["b", "c"]
    monkeypatch.setattr(module, "MOST_LIVES", 1)
    store.prune({})
    assert ids(store) == ["b"]


def test_spans_are_all_that_touch_a_time(store: Store) -> None:
    store.add([happened("a", 10), happened("b", 20, label="car")])
    assert store.spans(15 * SECOND, 30 * SECOND) == [("gate", "car", 19 * SECOND, 20 * SECOND)]


def test_a_file_that_cannot_be_read_is_said_to_whoever_asks(store: Store) -> None:
    store.close()
    with pytest.raises(StoreBusyError):
        store.lives(Wish())


def test_a_disk_that_hangs_keeps_a_reader_for_a_moment_only(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_S", 0.01)
    with store._held(1), pytest.raises(StoreBusyError):
        store.lives(Wish())


def test_a_place_where_no_file_can_be_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error):
        Store(tmp_path / "absent" / "events.sqlite")
