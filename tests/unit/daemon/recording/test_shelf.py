"""One camera's files: whole or not there, counted after a restart, removed oldest first."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from daemon.recording import shelf as shelf_module
from daemon.recording.shelf import Item, Part, Shelf, moment_of, name_of, object_of, status_of_own

NOON_NS = 1_795_435_200_000_000_000
SECOND_NS = 10**9


def name(seconds: int) -> str:
    return name_of(NOON_NS + seconds * SECOND_NS)


def put(shelf: Shelf, seconds: int, size: int = 100) -> str:
    """A recording of that second, of a message and a picture."""
    shelf.write(name(seconds), Part.PICTURE, bytes(size - 10))
    shelf.write(name(seconds), Part.MESSAGE, bytes(10))
    return name(seconds)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path / "gate")
    shelf.scan()
    return shelf


def names(shelf: Shelf) -> list[str]:
    return [item.name for item in shelf.newest(99)]


def files(shelf: Shelf) -> list[str]:
    return sorted(path.name for path in shelf.folder.iterdir())


def test_names_sort_by_time_and_say_it() -> None:
    assert name_of(1_795_461_392_235_999_999) == "20261123T191632235Z"
    moments_ns = [NOON_NS + n * 7_919_000_000 for n in range(200)]
    assert sorted(map(name_of, moments_ns)) == list(map(name_of, moments_ns))


def test_the_recording_of_a_life_has_the_id_of_its_events_in_its_name(shelf: Shelf) -> None:
    put(shelf, 1)
    life = shelf.free_name(NOON_NS + SECOND_NS, "9f3c-front_door-2-42")
    assert life == f"{name(1)}_9f3c-front_door-2-42"
    assert moment_of(life) == NOON_NS + SECOND_NS
    assert (object_of(life), object_of(name(1))) == ("9f3c-front_door-2-42", "")
    shelf.write(life, Part.PICTURE, bytes(5))
    assert shelf.of_object("9f3c-front_door-2-42") is None, "its message is not there yet"
    shelf.write(life, Part.MESSAGE, bytes(5))
    put(shelf, 2)
    assert names(shelf) == [name(2), life, name(1)]
    for one in (shelf, Shelf(shelf.folder)):
        one.scan()
        item = one.of_object("9f3c-front_door-2-42")
        assert item is not None
        assert (item.name, item.size) == (life, 10)
        assert one.of_object("") is None
        assert one.file(f"{life}.jpg") == shelf.folder / f"{life}.jpg"
    assert shelf.prune(oldest=name(2), since_s=0, at_most=9) == [name(1), life]
    assert shelf.of_object("9f3c-front_door-2-42") is None


def test_a_file_may_take_the_place_of_another_one_and_is_counted_once(shelf: Shelf) -> None:
    one = put(shelf, 1)
    shelf.write(one, Part.PICTURE, bytes(200))
    assert shelf.size == 210
    assert shelf.newest(1)[0] == Item(one, (Part.PICTURE, Part.MESSAGE), 210)
    shelf.scan()
    assert shelf.size == 210
    assert shelf.file(f"{one}.jpg").stat().st_size == 200  # type: ignore[union-attr]


def test_of_files_that_belong_together_all_are_written_or_none(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, before = put(shelf, 1), Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name.endswith(".json.part"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return before(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        shelf.write_all(one, {Part.PICTURE: bytes(300), Part.MESSAGE: bytes(20)})
    assert files(shelf) == [f"{one}.jpg", f"{one}.json"]
    assert (shelf.size, (shelf.folder / f"{one}.jpg").stat().st_size) == (100, 90)


def test_recordings_are_listed_newest_first_a_page_at_a_time(shelf: Shelf) -> None:
    first, second, third = (put(shelf, n) for n in (1, 2, 3))
    assert names(shelf) == [third, second, first]
    assert [item.name for item in shelf.newest(1)] == [third]
    assert [item.name for item in shelf.newest(9, before=second)] == [first]
    assert shelf.newest(1)[0] == Item(third, (Part.PICTURE, Part.MESSAGE), 100)


def test_a_recording_without_its_message_is_not_listed_and_counts_all_the_same(
    shelf: Shelf,
) -> None:
    shelf.write(name(1), Part.PICTURE, bytes(70))
    assert (names(shelf), shelf.size, shelf.count) == ([], 70, 1)


def test_a_clock_that_was_set_back_overwrites_nothing(shelf: Shelf) -> None:
    put(shelf, 1)
    again = shelf.free_name(NOON_NS + SECOND_NS)
    assert again == name_of(NOON_NS + SECOND_NS + 10**6)


def test_a_restart_counts_what_is_there_and_clears_what_a_crash_left(shelf: Shelf) -> None:
    put(shelf, 1)
    put(shelf, 2)
    shelf.begin(name(3), Part.CLIP).write_bytes(b"half a clip")
    (shelf.folder / "notes.txt").write_text("the operator's own")
    (shelf.folder / ".notes.part").write_text("and this")
    fresh = Shelf(shelf.folder)
    fresh.scan()
    assert (names(fresh), fresh.size) == (names(shelf), 200)
    assert {"notes.txt", ".notes.part"} < set(files(fresh))
    assert not [file for file in files(fresh) if file.endswith(".mp4.part")]


def restarted(shelf: Shelf) -> Shelf:
    """The same folder after a restart."""
    again = Shelf(shelf.folder)
    again.scan()
    return again


def test_what_is_too_old_goes_and_the_rest_stays(shelf: Shelf) -> None:
    for n in range(5):
        put(shelf, n)
    shelf = restarted(shelf)
    assert shelf.prune(oldest=name(2), since_s=0.0, at_most=9) == [name(0), name(1)]
    assert names(shelf) == [name(4), name(3), name(2)]
    assert files(shelf) == sorted(f"{name(n)}.{end}" for n in (2, 3, 4) for end in ("jpg", "json"))


def test_one_look_deletes_no_more_than_it_may_and_the_oldest_of_it(shelf: Shelf) -> None:
    for n in (3, 1, 2, 0):
        put(shelf, n)
    shelf = restarted(shelf)
    assert shelf.prune(oldest="~", since_s=0.0, at_most=2) == [name(0), name(1)]
    assert names(shelf) == [name(3), name(2)]


def test_what_was_made_since_the_start_is_as_old_as_the_monotonic_clock_says(
    tmp_path: Path,
) -> None:
    now_s = 100.0
    shelf = Shelf(tmp_path / "gate", now_s=lambda: now_s)
    put(shelf, 1)
    assert shelf.prune(oldest="~", since_s=99.0, at_most=9) == []
    assert shelf.prune(oldest="", since_s=101.0, at_most=9) == [name(1)]


def test_what_is_too_much_goes_oldest_first(shelf: Shelf) -> None:
    for n in range(5):
        put(shelf, n)
    assert shelf.make_room(250) == [name(0), name(1), name(2)]
    assert (names(shelf), shelf.size) == ([name(4), name(3)], 200)


def test_a_clock_that_was_set_back_does_not_make_the_newest_the_first_to_go(shelf: Shelf) -> None:
    for n in (100, 101, 102):
        put(shelf, n)
    shelf = restarted(shelf)
    put(shelf, 1)  # the clock says so now
    assert shelf.make_room(250) == [name(100), name(101)]
    assert names(shelf) == [name(102), name(1)]


def test_what_is_dated_in_the_future_makes_room_first(shelf: Shelf) -> None:
    for n in (1, 2, 1000):
        put(shelf, n)
    shelf = restarted(shelf)
    put(shelf, 3)
    assert shelf.make_room(350, tomorrow=name(500)) == [name(1000)]
    assert shelf.make_room(250, tomorrow=name(500)) == [name(1)]


def test_files_that_somebody_took_away_do_not_stop_the_tidying(shelf: Shelf) -> None:
    put(shelf, 1)
    (shelf.folder / f"{name(1)}.jpg").unlink()
    shelf.make_room(0)
    assert (files(shelf), shelf.size, shelf.count) == ([], 0, 0)


def test_what_is_no_file_of_our_own_is_named_once_and_all_else_counts(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(20):
        put(shelf, n)
    secret = shelf.folder.parent / "secret.txt"
    secret.write_text("private")
    (shelf.folder / f"{name(30)}.jpg").symlink_to(secret)
    (shelf.folder / f"{name(31)}.jpg").symlink_to("nowhere")
    (shelf.folder / f"{name(32)}.json").mkdir()
    os.mkfifo(shelf.folder / f"{name(33)}.json")
    again = restarted(shelf)
    assert (again.count, len(names(again)), again.size) == (20, 20, 2000)
    assert len(caplog.messages) == 1
    assert "count=4" in caplog.text
    assert f"{name(31)}.jpg" in caplog.text


def test_a_file_that_vanishes_while_they_are_counted_costs_no_other(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(5):
        put(shelf, n)
    count = shelf_module._count

    def vanishing(entry: os.DirEntry[str], *more: object) -> None:
        if entry.name == f"{name(2)}.jpg":
            Path(entry).unlink()
        count(entry, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(shelf_module, "_count", vanishing)
    assert len(names(restarted(shelf))) == 5


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "gone"])
def test_what_takes_the_place_of_a_recording_is_not_given_away(shelf: Shelf, kind: str) -> None:
    put(shelf, 1)
    for part in (Part.PICTURE, Part.MESSAGE):
        path = shelf.folder / f"{name(1)}.{part}"
        path.unlink()
        if kind == "link":
            path.symlink_to("/etc/hostname")
        elif kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
    with pytest.raises(OSError, match=r"[a-z]"):
        status_of_own(shelf.folder / f"{name(1)}.jpg")
    with pytest.raises(OSError, match=r"[a-z]"):
        shelf.message(name(1))


def test_a_full_disk_leaves_no_piece_of_a_file(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:5])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        shelf.write(name(1), Part.PICTURE, bytes(100))
    assert (files(shelf), shelf.size) == ([], 0)


@pytest.mark.parametrize(
    "asked",
    [
        "../gate/20261123T120001000Z.jpg",
        "..",
        "20261123T120001000Z",
        "20261123T120001000Z.mp4",  # there is no clip of it
        "20261123T120001000Z.exe",
        "20261123T120001000Z.jpg/..",
        ".20261123T120001000Z.jpg.part",
        "20261123T120001000Z.jpg\n",
        "notes.txt",
    ],
)
def test_only_files_of_recordings_are_given_away(shelf: Shelf, asked: str) -> None:
    put(shelf, 1)
    (shelf.folder / "notes.txt").write_text("private")
    assert shelf.file(f"{name(1)}.jpg") == shelf.folder / f"{name(1)}.jpg"
    assert shelf.file(asked.replace("20261123T120001000Z", name(1))) is None


def test_others_may_not_read_the_files(shelf: Shelf) -> None:
    put(shelf, 1)
    shelf.begin(name(1), Part.CLIP)
    shelf.keep(name(1), Part.CLIP)
    modes = {path.stat().st_mode & 0o777 for path in shelf.folder.iterdir()}
    assert all(mode & 0o007 == 0 for mode in modes)
