"""The lives of objects in an SQLite file: a row for each, which grows while it lasts.

Whole or not at all: what a crash interrupts was never written, and who was there then is
`interrupted` at the next start.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from sinks.messages import EventMessage

MOST_LIVES = 200_000  # in all, about 60 MB; beyond it the oldest go
BUSY_S = 2.0  # that a reader waits for the disk
_DIGITS = 19  # of a time in ns, until 2262

_TABLE = """
CREATE TABLE IF NOT EXISTS lives (
    id TEXT PRIMARY KEY, camera TEXT NOT NULL, label TEXT NOT NULL, track INTEGER NOT NULL,
    since_ns INTEGER NOT NULL, until_ns INTEGER NOT NULL, ended TEXT,
    best_ns INTEGER NOT NULL, best_score REAL NOT NULL, best_box TEXT NOT NULL, size TEXT NOT NULL,
    zones TEXT NOT NULL, crossings TEXT NOT NULL, stationary INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS lives_by_time ON lives (since_ns, id);
CREATE INDEX IF NOT EXISTS lives_of_camera ON lives (camera, since_ns, id);
"""


class StoreBusyError(Exception):
    """The disk does not answer in time, or not at all."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which lives; None does not matter. `before` is the `place` of the last one of a page."""

    camera: str | None = None
    label: str | None = None
    zone: str | None = None  # or line
    since_ns: int | None = None
    until_ns: int | None = None
    before: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Life:
    """One object from its first to its last picture so far. `ended` is '' while it is there, else
    `end`, or `interrupted` by an end of the daemon.
    """

    id: str
    camera: str
    label: str
    track: int
    since_ns: int
    until_ns: int
    ended: str
    best_ns: int
    best_score: float
    best_box: list[float]
    size: list[int]
    zones: list[str]
    crossings: list[dict[str, Any]]  # line, direction, at_ns
    stationary: bool

    @property
    def place(self) -> str:
        """In the list, newest first."""
        return f"{self.since_ns}.{self.id}"


class Store:
    """One connection behind one lock; any thread. Writing raises sqlite3.Error."""

    def __init__(self, path: Path | None) -> None:
        """In memory without a path."""
        self.path = path
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_TABLE)
        with self._database:
            self._database.execute("UPDATE lives SET ended = 'interrupted' WHERE ended IS NULL")

    def add(self, events: Sequence[EventMessage]) -> None:
        """All of them, or none."""
        with self._held(timeout_s=-1), self._database:
            for event in events:
                known = self._life(event.id)
                self._database.execute(
                    "INSERT OR REPLACE INTO lives VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    _row(event, known),
                )

    def prune(self, oldest_ns: Mapping[str, int]) -> None:
        """Remove lives that ended before the time of their camera, and what is too much."""
        with self._held(timeout_s=-1), self._database:
            for camera, since_ns in oldest_ns.items():
                self._database.execute(
                    "DELETE FROM lives WHERE camera = ? AND until_ns < ?", (camera, since_ns)
                )
            self._database.execute(
                "DELETE FROM lives WHERE id IN (SELECT id FROM lives ORDER BY since_ns DESC, id"
                " LIMIT -1 OFFSET ?)",
                (MOST_LIVES,),
            )

    def lives(self, wish: Wish) -> list[Life]:
        """The newest that are wished for."""
        where, values = _conditions(wish)
        query = f"SELECT * FROM lives WHERE {where} ORDER BY since_ns DESC, id DESC LIMIT ?"  # noqa: S608 - of fixed parts
        return [_life(row) for row in self._read(query, *values, wish.limit)]

    def spans(self, since_ns: int, until_ns: int) -> list[tuple[str, str, int, int]]:
        """Camera, label, first and last moment of every life that touches this time."""
        rows = self._read(
            "SELECT camera, label, since_ns, until_ns FROM lives"
            " WHERE since_ns < ? AND until_ns >= ?",
            until_ns,
            since_ns,
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def close(self) -> None:
        with self._held(BUSY_S):
            self._database.close()

    def _read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Raises StoreBusyError, also for a file that cannot be read."""
        try:
            with self._held(BUSY_S):
                return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StoreBusyError(str(error)) from error

    def _life(self, name: str) -> Life | None:
        row = self._database.execute("SELECT * FROM lives WHERE id = ?", (name,)).fetchone()
        return _life(row) if row else None

    @contextmanager
    def _held(self, timeout_s: float) -> Iterator[None]:
        if not self._lock.acquire(timeout=timeout_s):
            raise StoreBusyError
        try:
            yield
        finally:
            self._lock.release()


def _row(event: EventMessage, known: Life | None) -> tuple[Any, ...]:
    """What is known of the object after this event."""
    zones = dict.fromkeys((*(known.zones if known else ()), *event.zones))
    if event.zone is not UNSET:
        zones[event.zone] = None
    crossings = list(known.crossings) if known else []
    if event.line is not UNSET:
        crossed = {"line": event.line, "direction": event.direction, "at_ns": event.at_ns}
        crossings.append(crossed)
    since_ns = min(event.first.captured_ns, known.since_ns if known else event.at_ns)
    ended = "end" if event.phase == "end" else (known.ended if known else "") or None
    return (
        *(event.id, event.camera, event.label, event.track),
        *(since_ns, max(event.at_ns, known.until_ns if known else 0), ended),
        *(event.best.captured_ns, event.best.score, _text(event.best.box), _text(event.size)),
        *(_text(list(zones)), _text(crossings), int(event.stationary)),
    )


def _life(row: sqlite3.Row) -> Life:
    texts = {name: msgspec.json.decode(row[name]) for name in _JSON}
    plain = {name: row[name] for name in row.keys() if name not in _JSON}  # noqa: SIM118
    return Life(
        **{**plain, **texts, "ended": row["ended"] or "", "stationary": bool(row["stationary"])}
    )


_JSON = ("best_box", "size", "zones", "crossings")


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _conditions(wish: Wish) -> tuple[str, list[Any]]:
    where, values = ["TRUE"], []
    place = None if wish.zone is None else f'"{wish.zone}"'
    for condition, value in (
        ("camera = ?", wish.camera),
        ("label = ?", wish.label),
        ("instr(zones || crossings, ?) > 0", place),
        ("until_ns >= ?", wish.since_ns),
        ("since_ns < ?", wish.until_ns),
    ):
        if value is not None:
            where.append(condition)
            values.append(value)
    if wish.before is not None:
        since, _, name = wish.before.partition(".")
        where.append("(since_ns, id) < (?, ?)")
        is_time = since.isascii() and since.isdigit() and len(since) <= _DIGITS
        values += [min(int(since), 2**63 - 1) if is_time else 0, name]
    return " AND ".join(where), values
