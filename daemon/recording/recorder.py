"""The thread `recorder`: writes snapshots and clips, and removes what is too old or too much.

It may be slow, and its disk full or away: pictures are then missing from recordings, or recordings
are, and both are counted. The pipeline does not notice.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from config.camera import RecordConfig
from config.schema import RecordingsConfig
from daemon.books.reports import QueueReport, RecorderReport
from daemon.clock import Clock
from daemon.highlights.cabinet import Best
from daemon.nice import be_nice
from daemon.recording.calendar import Calendar
from daemon.recording.desk import Desk
from daemon.recording.folder import prepare, recordings_folder
from daemon.recording.inbox import CAPACITY, Ending, Entry, Inbox, Life, Moment
from daemon.recording.selector import Interest, LifeSelector
from daemon.recording.shelf import Shelf
from daemon.recording.tray import Tray
from daemon.seats.seat import Seat
from daemon.seats.sight import Sight
from sinks.messages import DetectionMessage, EventMessage

log = logging.getLogger(__name__)

TURN_S = 0.5  # between two looks whether a clip is over
LATE_S = 2.0  # after its end no more pictures are expected
TIDY_S = 60.0  # between two looks for what is too old, and whether the disk works again


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is recorded of which camera, and where."""

    place: RecordingsConfig
    cameras: Mapping[Tray, RecordConfig]


class Recorder:
    """`use`, `start` and the stopping belong to the main thread, `see` and `tell` to whoever holds
    the seat, the rest to any. Raises nothing: what goes wrong is logged once, and reported.
    """

    def __init__(
        self, clock: Clock, *, best: Callable[[str], Best | None] = lambda _: None
    ) -> None:
        """`best` finds the best moment of an object by its id."""
        self._clock = clock
        self._best = best
        self._inbox = Inbox()
        self._trays: Mapping[Seat, Tray] = {}  # replaced as a whole, like `_desks`
        self._wanted: _Wanted | None = None
        self._settled: _Wanted | None = None
        self._desks: Mapping[Tray, Desk] = {}
        self._calendar = Calendar(clock)
        self._failing = ""
        self._tidy_s = -math.inf
        self._stop_s = math.inf
        self._thread = threading.Thread(target=self._run, name="recorder")

    def use(self, place: RecordingsConfig, seats: Iterable[Seat]) -> None:
        """Record so from now on. A clip that runs ends if the options of its camera change."""
        trays = {}
        for seat in seats:
            tray = self._trays.get(seat) or Tray(seat.name, seat.config.record)
            tray.use(seat.config.record)
            trays[seat] = tray
        self._trays = trays
        self._wanted = _Wanted(place, {tray: tray.config for tray in trays.values()})
        self._inbox.wake()

    def start(self) -> None:
        self._thread.start()

    def see(self, seat: Seat, sight: Sight, message: DetectionMessage) -> None:
        """An answer of a camera; never waits."""
        tray = self._trays.get(seat)
        if tray is None or tray.selector is None:
            return
        if isinstance(tray.selector, LifeSelector):
            tray.newest = sight, message
            if tray.selector.looks_on(sight.captured_s):
                self._put(Moment(tray, sight, message, is_event=False))
            if waited := tray.selector.look(message.detections, sight.captured_s):
                life = Life(waited, sight.captured_s)
                self._put(Moment(tray, sight, message, is_event=True, life=life))
            return
        interest = tray.selector.look(message.detections, sight.captured_s)
        if interest is not None:
            self._put(Moment(tray, sight, message, interest is Interest.EVENT))

    def tell(self, seat: Seat, event: EventMessage) -> None:
        """An event of a camera; never waits."""
        tray = self._trays.get(seat)
        if tray is None or tray.newest is None or not isinstance(tray.selector, LifeSelector):
            return
        sight, message = tray.newest
        if not tray.selector.tell(event, sight.captured_s):
            return
        if event.phase == "end":
            ago_s = (sight.captured_ns - event.at_ns) / 1e9
            self._put(Ending(tray, event.id, sight.captured_s - ago_s))
        else:
            life = Life(event.id, sight.captured_s - event.duration_s)
            self._put(Moment(tray, sight, message, is_event=True, life=life))

    def shelf(self, seat: Seat | None) -> Shelf | None:
        """What is kept of a camera; None where it is not there, or was not yet looked for."""
        tray = self._trays.get(seat) if seat else None
        desk = self._desks.get(tray) if tray else None
        return desk.shelf if desk else None

    def report(self) -> RecorderReport:
        return RecorderReport(
            self._failing,
            QueueReport("recorder", len(self._inbox), CAPACITY),
            {
                tray.name: desk.report(tray.missed)
                for tray, desk in self._desks.items()
                if desk.config.wanted or desk.shelf.count
            },
        )

    def request_stop(self, timeout_s: float) -> None:
        """Let it write what waits for at most that long, close its clips and end."""
        self._stop_s = self._clock.now_s() + timeout_s
        for tray in self._trays.values():
            tray.selector = tray.newest = None
        self._inbox.wake()

    def join(self, timeout_s: float) -> bool:
        """False if it is still busy with the disk after that long."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _put(self, entry: Entry) -> None:
        dropped = self._inbox.put(entry)
        if isinstance(dropped, Moment):
            dropped.tray.missed += 1

    def _run(self) -> None:
        be_nice()
        while not self._is_over():
            self._turn()
        for desk in self._desks.values():
            self._guarded(desk.close)
        for entry in self._inbox.clear():
            entry.tray.missed += isinstance(entry, Moment)

    def _is_over(self) -> bool:
        left_s = self._stop_s - self._clock.now_s()
        return left_s <= 0 or (left_s < math.inf and len(self._inbox) == 0)

    def _turn(self) -> None:
        now_s = self._clock.now_s()
        tidy = now_s >= self._tidy_s
        if self._wanted is not self._settled or (tidy and self._failing):
            self._guarded(self._settle)
        if tidy:
            self._tidy_s = now_s + TIDY_S
            self._calendar.look()
            for desk in self._desks.values():
                self._guarded(desk.tidy)
        entry = self._inbox.get(TURN_S)
        if entry is not None:
            self._take(entry)
        silent_s = self._clock.now_s() - LATE_S
        for desk in self._desks.values():
            self._guarded(partial(desk.turn, silent_s))

    def _take(self, entry: Entry) -> None:
        desk = self._desks.get(entry.tray)
        if desk is None:
            return
        if isinstance(entry, Ending):
            desk.end_life(entry)
        elif self._guarded(partial(desk.take, entry)) and self._failing and entry.is_event:
            self._settled = None  # the disk is back: what else is on it?

    def _settle(self) -> None:
        """Take up what is wanted, count what there is, and see that there can be more. Raises
        OSError.
        """
        wanted = self._settled = self._wanted
        if wanted is None:
            return
        is_wanted = any(config.wanted for config in wanted.cameras.values())
        try:
            folder = recordings_folder(wanted.place)
        except FileNotFoundError:
            if is_wanted:
                raise
            return  # nowhere to record, and nobody asks for it
        kept = {
            tray: desk
            for tray, desk in self._desks.items()
            if not self._failing
            and desk.config == wanted.cameras.get(tray)
            and desk.shelf.folder == folder / tray.name
        }
        for tray, desk in self._desks.items():
            if tray not in kept:
                self._guarded(desk.close)
        self._desks = {
            tray: kept.get(tray) or self._desk(tray, config, folder)
            for tray, config in wanted.cameras.items()
        }
        for tray, desk in self._desks.items():
            if tray not in kept:
                desk.shelf.scan()
        if is_wanted:
            prepare(wanted.place, folder)
        self._works()

    def _desk(self, tray: Tray, config: RecordConfig, folder: Path) -> Desk:
        shelf = Shelf(folder / tray.name, now_s=self._clock.now_s)
        return Desk(
            config,
            shelf,
            tray.counts,
            clock=self._clock,
            calendar=self._calendar,
            best=self._best,
        )

    def _guarded(self, work: Callable[[], None]) -> bool:
        """Whether it could be done."""
        try:
            work()
        except OSError as error:
            self._fails(error.strerror or type(error).__name__)
        except Exception as error:
            self._fails(type(error).__name__, unexpected=True)
        else:
            return True
        return False

    def _fails(self, reason: str, *, unexpected: bool = False) -> None:
        if not self._failing:
            log.error("recorder cannot write reason=%s", reason, exc_info=unexpected)
        self._failing = reason

    def _works(self) -> None:
        if self._failing:
            log.info("recorder works again")
        self._failing = ""
