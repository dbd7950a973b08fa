"""One camera's files: whole or not there, counted after a restart, removed oldest first."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from daemon.recording.shelf import Item, Part, Shelf, name_of

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


def test_what_is_too_old_goes_and_the_rest_stays(shelf: Shelf) -> None:
    for n in range(5):
        put(shelf, n)
    shelf.prune(oldest=name(2), most_bytes=1e9)
    assert names(shelf) == [name(4), name(3), name(2)]
    assert files(shelf) == sorted(f"{name(n)}.{end}" for n in (2, 3, 4) for end in ("jpg", "json"))


def test_what_is_too_much_goes_oldest_first(shelf: Shelf) -> None:
    for n in range(5):
        put(shelf, n)
    shelf.prune(oldest="", most_bytes=250)
    assert (names(shelf), shelf.size) == ([name(4), name(3)], 200)


def test_files_that_somebody_took_away_do_not_stop_the_tidying(shelf: Shelf) -> None:
    put(shelf, 1)
    (shelf.folder / f"{name(1)}.jpg").unlink()
    shelf.prune(oldest=name(9), most_bytes=1e9)
    assert (files(shelf), shelf.size, shelf.count) == ([], 0, 0)


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
