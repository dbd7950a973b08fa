"""The thread `diary`: writes what happens to objects into the store, beside the recordings.

Nobody waits for it. Where nothing is recorded and no folder is configured it keeps what happened in
memory alone: no file is made that nobody asked for.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from config.camera import CameraConfig
from config.schema import RecordingsConfig
from daemon.clock import Clock
from daemon.diary.store import Life, Store, Wish
from daemon.nice import be_nice
from daemon.recording.folder import recordings_folder
from sinks.messages import EventMessage

log = logging.getLogger(__name__)

CAPACITY = 4096  # events that wait; beyond, the oldest is lost
TURN_S = 0.5
TIDY_S = 60.0
FILE = "events.sqlite"
DAY_NS = 86_400 * 10**9


class Diary:
    """`use`, `start`, `stop` belong to the main thread; `put` and reading to any. Reading raises
    StoreBusyError where the disk does not answer.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._inbox: deque[EventMessage] = deque(maxlen=CAPACITY)
        self._store: Store | None = None
        self._wanted: tuple[Path | None, Mapping[str, float]] = (None, {})
        self._may_make = False  # the folder: not one that somebody configured
        self._failing = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="diary")

    def use(self, place: RecordingsConfig, cameras: Mapping[str, CameraConfig]) -> None:
        """Keep it there from now on, as long as the recordings of each camera."""
        on_disk = place.folder is not None or any(one.record.wanted for one in cameras.values())
        path = recordings_folder(place) / FILE if on_disk else None
        self._may_make = place.folder is None
        self._wanted = (path, {name: one.record.keep_days for name, one in cameras.items()})

    def start(self) -> None:
        self._thread.start()

    def put(self, event: EventMessage) -> None:
        """Never waits."""
        self._inbox.append(event)

    def lives(self, wish: Wish) -> list[Life]:
        """The newest that are wished for."""
        store = self._store
        return [] if store is None else store.lives(wish)

    def spans(self, since_ns: int, until_ns: int) -> list[tuple[str, str, int, int]]:
        """Camera, label, first and last moment of every life that touches this time."""
        store = self._store
        return [] if store is None else store.spans(since_ns, until_ns)

    def stop(self, timeout_s: float) -> bool:
        """Write what waits; False if the disk is still busy with it."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        be_nice()
        tidied_s = self._clock.now_s()
        while not self._over.wait(TURN_S):
            self._turn()
            if self._clock.now_s() - tidied_s >= TIDY_S:
                tidied_s = self._clock.now_s()
                self._tidy()
        self._turn()

    def _turn(self) -> None:
        """Write what came; in memory where the disk does not take it."""
        try:
            store = self._opened()
            if events := self._taken():
                store.add(events)
        except (sqlite3.Error, OSError) as error:
            if not self._failing:
                log.error("diary cannot be written, kept in memory reason=%s", error)  # noqa: TRY400 - the line says it all
            self._failing = str(error)
            self._store = Store(None)
            self._store.path = self._wanted[0]  # not tried again before another is wanted

    def _opened(self) -> Store:
        path = self._wanted[0]
        if self._store is None or self._store.path != path:
            if path is not None and self._may_make:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._store = Store(path)
            self._failing = ""
        return self._store

    def _taken(self) -> list[EventMessage]:
        events = []
        while self._inbox:
            events.append(self._inbox.popleft())
        return events

    def _tidy(self) -> None:
        now_ns = self._clock.wall_ns()
        keep = {name: now_ns - int(days * DAY_NS) for name, days in self._wanted[1].items()}
        try:
            if self._store is not None:
                self._store.prune(keep)
        except sqlite3.Error as error:
            log.warning("diary cannot be tidied reason=%s", error)
