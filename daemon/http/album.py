"""Recordings of all cameras as one list, newest first, by camera, label and time. Reads files: for
a thread of the pool.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from daemon.recording.shelf import Item, Shelf, name_of

CHUNK = 64  # taken from a camera's shelf at a time
MOST_READ = 500  # messages for one answer; a rare label is looked for page by page


class Seen(msgspec.Struct):
    label: str
    score: float


class Message(msgspec.Struct):
    """What a list tells of the message beside a recording."""

    captured_ns: int
    detections: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which recordings; None does not matter. `before` is what the page before gave as next."""

    camera: str | None
    label: str | None
    since: int | None  # ns, wall clock
    until: int | None
    before: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Found:
    """A recording whose message could be read."""

    camera: str
    item: Item
    message: Message

    @property
    def place(self) -> str:
        """In the list: by time, then by camera."""
        return f"{self.item.name}.{self.camera}"


def look_up(shelves: Mapping[str, Shelf], wish: Wish) -> tuple[list[Found], str | None]:
    """One page of what is wished for, and where the next one begins: None where nothing is left,
    though a next page may turn out to be empty.
    """
    found: list[Found] = []
    wanted = [
        _newest_first(camera, shelf, wish)
        for camera, shelf in shelves.items()
        if wish.camera in (None, camera)
    ]
    place = None
    for read, (place, camera, item) in enumerate(heapq.merge(*wanted, reverse=True), 1):
        message = message_of(shelves[camera], item)
        if message is not None and wish.label in (None, *(one.label for one in message.detections)):
            found.append(Found(camera, item, message))
        if len(found) == wish.limit or read == MOST_READ:
            return found, place
    return found, None


def message_of(shelf: Shelf, item: Item) -> Message | None:
    """None where it cannot be read."""
    try:
        return msgspec.json.decode(shelf.message(item.name), type=Message)
    except (OSError, msgspec.DecodeError):
        return None


def _newest_first(camera: str, shelf: Shelf, wish: Wish) -> Iterator[tuple[str, str, Item]]:
    before = "~"  # sorts after every name
    if wish.until is not None:
        before = name_of(wish.until)
    if wish.before is not None:  # the moment itself may be another camera's as well
        before = min(before, f"{wish.before.partition('.')[0]}~")
    while items := shelf.newest(CHUNK, before=before):
        for item in items:
            place = f"{item.name}.{camera}"
            if wish.since is not None and item.name < name_of(wish.since):
                return
            if wish.before is None or place < wish.before:
                yield place, camera, item
        before = items[-1].name
