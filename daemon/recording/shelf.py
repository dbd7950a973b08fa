"""One camera's recordings on disk: the files of each under one name, which sorts by time.

    20261123T190412345Z.json         the message, as subscribers get it; the last to be written
    20261123T190412345Z.jpg          the picture; .boxes.jpg with boxes on it, .thumb.jpg small
    20261123T190412345Z.mp4          the clip

No other name is counted, served or deleted. A file is whole or not there.
"""

from __future__ import annotations

import os
import re
import threading
from bisect import bisect_left, insort
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

FILE_MODE = 0o640
_PART = ".part"  # a file that is being written


class Part(StrEnum):
    """The files of a recording, by what follows its name."""

    MESSAGE = "json"
    PICTURE = "jpg"
    BOXES = "boxes.jpg"
    THUMBNAIL = "thumb.jpg"
    CLIP = "mp4"


class Item(NamedTuple):
    """One recording: its files and what they take together."""

    name: str
    parts: tuple[Part, ...]
    size: int


_FILE = re.compile(rf"([0-9]{{8}}T[0-9]{{9}}Z)\.({'|'.join(map(re.escape, Part))})")


def name_of(wall_ns: int, later_ms: int = 0) -> str:
    """A recording of that moment is called so."""
    seconds, ms = divmod(wall_ns // 10**6 + later_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}{ms:03d}Z"


def part_of(file_name: str) -> Part:
    """Which file of its recording this is."""
    return Part(file_name.partition(".")[2])


class Shelf:
    """The recordings of one camera. One thread writes, any may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._items: dict[str, Item] = {}
        self._names: list[str] = []  # sorted
        self._size = 0

    def scan(self) -> None:
        """Count what is there, and remove what a crash left half written. Raises OSError."""
        found: dict[str, Item] = {}
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if match := _FILE.fullmatch(entry.name):
                    size = entry.stat().st_size
                    found[match[1]] = _with(found.get(match[1]), match[1], Part(match[2]), size)
                elif entry.name.endswith(_PART) and _FILE.fullmatch(entry.name[1 : -len(_PART)]):
                    Path(entry).unlink(missing_ok=True)
        with self._lock:
            self._items, self._names = found, sorted(found)
            self._size = sum(item.size for item in found.values())

    def free_name(self, wall_ns: int) -> str:
        """For a new recording; a clock that was set back finds its moments taken."""
        later_ms = 0
        while (name := name_of(wall_ns, later_ms)) in self._items:
            later_ms += 1
        return name

    def begin(self, name: str, part: Part) -> Path:
        """An empty file to be written, then kept or discarded. Raises OSError."""
        self.folder.mkdir(exist_ok=True)
        path = self._unfinished(name, part)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE))
        return path

    def write(self, name: str, part: Part, content: bytes) -> None:
        """A new file, whole or not at all. Raises OSError."""
        try:
            self.begin(name, part).write_bytes(content)
            self.keep(name, part)
        except OSError:
            self.discard(name, part)
            raise

    def keep(self, name: str, part: Part) -> None:
        """A file that was written is whole. Raises OSError."""
        unfinished = self._unfinished(name, part)
        size = unfinished.stat().st_size
        unfinished.rename(self.folder / f"{name}.{part}")
        with self._lock:
            known = self._items.get(name)
            self._items[name] = _with(known, name, part, size)
            self._size += size
            if known is None:
                insort(self._names, name)

    def discard(self, name: str, part: Part) -> None:
        """Nothing will become of a file."""
        with suppress(OSError):
            self._unfinished(name, part).unlink(missing_ok=True)

    def prune(self, *, oldest: str, most_bytes: float) -> None:
        """Remove recordings, oldest first: all before `oldest`, and what is too much. Raises
        OSError.
        """
        while self._names and (self._names[0] < oldest or self._size > most_bytes):
            item = self._items[self._names[0]]
            for part in item.parts:
                (self.folder / f"{item.name}.{part}").unlink(missing_ok=True)
            with self._lock:
                del self._names[0], self._items[item.name]
                self._size -= item.size

    def newest(self, count: int, *, before: str = "~") -> list[Item]:
        """Recordings that are complete but for a clip that still runs, newest first."""
        with self._lock:
            end = bisect_left(self._names, before)
            items = [self._items[name] for name in reversed(self._names[:end])]
        return [item for item in items if Part.MESSAGE in item.parts][:count]

    def file(self, name: str) -> Path | None:
        """Path of a file of a recording; None for any other name."""
        match = _FILE.fullmatch(name)
        item = self._items.get(match[1]) if match else None
        if match is None or item is None or match[2] not in item.parts:
            return None
        return self.folder / name

    @property
    def count(self) -> int:
        return len(self._names)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._size

    def _unfinished(self, name: str, part: Part) -> Path:
        return self.folder / f".{name}.{part}{_PART}"


def _with(item: Item | None, name: str, part: Part, size: int) -> Item:
    if item is None:
        return Item(name, (part,), size)
    return Item(name, (*item.parts, part), item.size + size)
