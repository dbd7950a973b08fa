"""One camera's recordings on disk: the files of each under one name, which sorts by time.

    20261123T190412345Z.json         the message, as subscribers get it; the last to be written
    20261123T190412345Z.jpg          the picture; .boxes.jpg with boxes on it, .thumb.jpg small
    20261123T190412345Z.mp4          the clip

The recording of an object's life has the id of its events in the name, which also sorts by time:

    20261123T190412345Z_9f3c…-gate-42.jpg

No other name is counted, served or deleted, and of these only regular files of our own. A file is
whole or not there.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import stat
import threading
import time
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

FILE_MODE = 0o640
MOST_NAMED = 5  # of the files that are not what their names say
_PART = ".part"  # a file that is being written


log = logging.getLogger(__name__)


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


NAME = r"[0-9]{8}T[0-9]{9}Z(?:_[0-9a-f]{1,32}-[a-z0-9_-]{1,32}-[0-9]{1,18})?"  # of a recording
_FILE = re.compile(rf"({NAME})\.({'|'.join(map(re.escape, Part))})")
_STAMP = len("20261123T190412345Z")


def name_of(wall_ns: int, later_ms: int = 0) -> str:
    """A recording of that moment is called so."""
    seconds, ms = divmod(wall_ns // 10**6 + later_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}{ms:03d}Z"


def moment_of(name: str) -> int:
    """The wall clock of a recording's name, ns."""
    stamp = name[:_STAMP]
    at = datetime.strptime(stamp[:-4], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return int(at.timestamp()) * 10**9 + int(stamp[-4:-1]) * 10**6


def object_of(name: str) -> str:
    """The id of the object whose life a recording of that name is; empty for other ones."""
    return name[_STAMP + 1 :]


def part_of(file_name: str) -> Part:
    """Which file of its recording this is."""
    return Part(file_name.partition(".")[2])


class Shelf:
    """The recordings of one camera. One thread writes, any may read.

    What was made since the start is younger than anything found before, and its age is told by the
    monotonic clock; so no wall clock that is set makes it old.
    """

    def __init__(self, folder: Path, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self._now_s = now_s
        self._lock = threading.Lock()
        self._items: OrderedDict[str, Item] = OrderedDict()  # oldest first
        self._names: list[str] = []  # sorted
        self._made_s: dict[str, float] = {}  # of those made since the start
        self._lives: dict[str, str] = {}  # names by the id of the object
        self._size = 0

    def scan(self) -> None:
        """Count what is there, and remove what a crash left half written. Names once what cannot
        be counted. Raises OSError where the folder cannot be read.
        """
        found: dict[str, Item] = {}
        odd: list[str] = []
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            owner = self.folder.stat().st_uid
            for entry in entries:
                try:
                    _count(entry, owner, found)
                except FileNotFoundError:  # gone since
                    continue
                except (OSError, ValueError):
                    odd.append(entry.name)
        if odd:
            named = " ".join(map(ascii, sorted(odd)[:MOST_NAMED]))
            log.warning("recordings ignored folder=%s count=%d %s", self.folder, len(odd), named)
        with self._lock:
            self._items = OrderedDict(sorted(found.items()))
            self._names = list(self._items)
            self._made_s = {}
            self._lives = {object_of(name): name for name in self._names if object_of(name)}
            self._size = sum(item.size for item in found.values())

    def free_name(self, wall_ns: int, object_id: str = "") -> str:
        """For a new recording, of an object where one is said; a clock that was set back finds its
        moments taken.
        """
        later_ms = 0
        of = f"_{object_id}" if object_id else ""
        while (name := name_of(wall_ns, later_ms) + of) in self._items:
            later_ms += 1
        return name

    def begin(self, name: str, part: Part) -> Path:
        """An empty file to be written, then kept or discarded. Raises OSError."""
        self.folder.mkdir(exist_ok=True)
        path = self._unfinished(name, part)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE))
        return path

    def write(self, name: str, part: Part, content: bytes) -> None:
        """A file, whole or not at all; it takes the place of one that is there. Raises OSError."""
        self.write_all(name, {part: content})

    def write_all(self, name: str, files: Mapping[Part, bytes]) -> None:
        """All of these or, where there is no room for all, none; in their order. Raises OSError."""
        try:
            for part, content in files.items():
                self.begin(name, part).write_bytes(content)
            for part in files:
                self.keep(name, part)
        except OSError:
            for part in files:
                self.discard(name, part)
            raise

    def keep(self, name: str, part: Part) -> None:
        """A file that was written is whole. Raises OSError."""
        unfinished, path = self._unfinished(name, part), self.folder / f"{name}.{part}"
        size = unfinished.stat().st_size
        known = self._items.get(name)
        replaced = path.stat().st_size if known and part in known.parts and path.exists() else 0
        unfinished.rename(path)
        with self._lock:
            self._items[name] = _with(known, name, part, size - replaced)
            self._size += size - replaced
            if known is None:
                insort(self._names, name)
                self._made_s[name] = self._now_s()
                self._lives.update({of: name} if (of := object_of(name)) else {})

    def discard(self, name: str, part: Part) -> None:
        """Nothing will become of a file."""
        with suppress(OSError):
            self._unfinished(name, part).unlink(missing_ok=True)

    def prune(self, *, oldest: str, since_s: float, at_most: int) -> list[str]:
        """Remove for their age at most so many: those found at the start with a name before
        `oldest`, and those made before `since_s`. Returns their names; raises OSError.
        """
        old = [name for name in self._items if self._is_old(name, oldest, since_s)]
        for name in old[:at_most]:
            self._remove(name)
        return old[:at_most]

    def make_room(self, most_bytes: float, *, tomorrow: str = "~") -> list[str]:
        """Remove the oldest for as long as it is too much; first of all those found at the start
        with a name from `tomorrow` on, whose age nobody knows. Returns names; raises OSError.
        """
        removed = []
        while self._items and self._size > most_bytes:
            last = self._names[-1]
            strange = last >= tomorrow and last not in self._made_s
            removed.append(last if strange else next(iter(self._items)))
            self._remove(removed[-1])
        return removed

    def newest(self, count: int, *, before: str = "~") -> list[Item]:
        """Recordings that are complete except for a clip that still runs, newest first."""
        with self._lock:
            end = bisect_left(self._names, before)
            items = [self._items[name] for name in reversed(self._names[:end])]
        return [item for item in items if Part.MESSAGE in item.parts][:count]

    def of_object(self, object_id: str) -> Item | None:
        """The recording of an object's life; None where there is none, or its picture is not there
        yet. Any thread.
        """
        item = self._items.get(self._lives.get(object_id, ""))
        return item if item and Part.MESSAGE in item.parts else None

    def file(self, name: str) -> Path | None:
        """Path of a file of a recording; None for any other name. See `status_of_own`."""
        match = _FILE.fullmatch(name)
        item = self._items.get(match[1]) if match else None
        if match is None or item is None or match[2] not in item.parts:
            return None
        return self.folder / name

    def message(self, name: str) -> bytes:
        """The message of a recording, as bytes of JSON. Raises OSError; waits for no writer."""
        path = self.folder / f"{name}.{Part.MESSAGE}"
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(file, "rb") as opened:  # noqa: PTH123 - of a descriptor
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            return opened.read()

    @property
    def count(self) -> int:
        return len(self._names)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._size

    def _is_old(self, name: str, oldest: str, since_s: float) -> bool:
        made_s = self._made_s.get(name)
        return name < oldest if made_s is None else made_s < since_s

    def _remove(self, name: str) -> None:
        item = self._items[name]
        for part in item.parts:
            (self.folder / f"{name}.{part}").unlink(missing_ok=True)
        with self._lock:
            del self._items[name], self._names[bisect_left(self._names, name)]
            self._made_s.pop(name, None)
            self._size -= item.size
            if self._lives.get(object_of(name)) == name:
                del self._lives[object_of(name)]

    def _unfinished(self, name: str, part: Part) -> Path:
        return self.folder / f".{name}.{part}{_PART}"


def _with(item: Item | None, name: str, part: Part, size: int) -> Item:
    if item is None:
        return Item(name, (part,), size)
    parts = item.parts if part in item.parts else (*item.parts, part)
    return Item(name, parts, item.size + size)


def status_of_own(path: Path) -> os.stat_result:
    """Of a regular file that belongs to us or to the owner of its folder; any thread. Raises
    OSError for anything else: a link could lead anywhere, and a pipe would be waited for.
    """
    status = path.lstat()
    if not _is_own(status, path.parent.stat().st_uid):
        raise PermissionError(errno.EPERM, "not a regular file of our own", str(path))
    return status


def _is_own(status: os.stat_result, owner: int) -> bool:
    # Where a network file system shows other owners, it shows the folder's too.
    return stat.S_ISREG(status.st_mode) and status.st_uid in (os.geteuid(), owner)


def _count(entry: os.DirEntry[str], owner: int, found: dict[str, Item]) -> None:
    """Raises OSError, and ValueError for what is no file of our own."""
    if match := _FILE.fullmatch(entry.name):
        status = entry.stat(follow_symlinks=False)
        if not _is_own(status, owner):
            raise ValueError(entry.name)
        name, part = match[1], Part(match[2])
        found[name] = _with(found.get(name), name, part, status.st_size)
    elif entry.name.endswith(_PART) and _FILE.fullmatch(entry.name[1 : -len(_PART)]):
        Path(entry).unlink(missing_ok=True)
