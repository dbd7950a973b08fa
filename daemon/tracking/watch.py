"""A camera's objects for as long as the camera is there, whichever model answers and whatever a
reload changes. What happened while nobody could be told waits here for the next picture.
"""

from __future__ import annotations

from itertools import compress

from msgspec import Struct

from config.camera import CameraConfig
from daemon.tracking.happenings import Counts, Happening
from daemon.tracking.watcher import BoolArray, Lasting, Watcher
from detector.detections import Detections

_HEARTBEATS = 1.5  # of the gate, for which an object must be waited for to be left alone
COUNTS_S = 0.2  # between two messages with counts, at least

_NOBODY = Counts({}, {}, {})


class Seen(Struct, frozen=True, eq=False):
    """What is reported of one picture, whose each box is, and what happened."""

    found: Detections
    objects: tuple[Lasting | None, ...]
    happenings: tuple[Happening, ...]


class Watch:
    """The results thread's; whoever else calls holds the seat (`Seat.answering`)."""

    def __init__(self, config: CameraConfig, *, last_number: int = 0) -> None:
        self.number = last_number  # of the newest object; numbers never come twice
        self.since_ns = 0  # from when on crossings are counted; 0 before the first picture
        self._config = config
        self._labels: tuple[str, ...] = ()
        self._watcher: Watcher | None = None
        self._waiting: list[Happening] = []
        self._told: Counts | None = None
        self._told_s = 0.0
        self.is_restless = False  # an object is followed that must not be left alone; any thread

    @property
    def enabled(self) -> bool:
        return self._config.tracking.enabled

    def report(
        self,
        found: Detections,
        certain: BoolArray,
        labels: tuple[str, ...],
        *,
        at_s: float,
        at_ns: int,
        size: tuple[int, int],
    ) -> Seen:
        """See `Watcher.look`: what is `certain` [N] is reported; `labels` are those of the model
        that answered.
        """
        watcher = self._watcher_of(labels, at_ns)
        account = watcher.look(found, certain, at_s=at_s, at_ns=at_ns, size=size)
        self.number = watcher.last_number
        self._judge_rest()
        objects, happenings = account.objects, account.happenings
        if self._waiting:
            happenings = (*self._taken(), *happenings)
        if not all(reported := certain.tolist()):
            found, objects = found.where(certain), tuple(compress(objects, reported))
        return Seen(found, objects, happenings)

    def best_moments(self) -> list[tuple[int, int]]:
        """See `Watcher.best_moments`."""
        return self._watcher.best_moments() if self._watcher else []

    def pass_time(self, at_s: float) -> list[Happening]:
        """What happened since the last picture: objects whose time is over are gone."""
        if self._watcher is not None:
            self._waiting += self._watcher.pass_time(at_s)
            self._judge_rest()
        return self._taken()

    def end_all(self) -> None:
        """Nothing is watched any more: every life is interrupted, as the next call tells."""
        if self._watcher is not None:
            self._waiting += self._watcher.end_all()
            self._watcher = None
            self.is_restless = False

    def retune(self, config: CameraConfig) -> None:
        """Go on by other rules; another stream is another scene."""
        before, self._config = self._config, config
        if config.url != before.url or not config.tracking.enabled:
            self.end_all()
        if self._watcher is None:
            return
        if (before.tracking, before.zones, before.lines) != (
            config.tracking,
            config.zones,
            config.lines,
        ):
            self._waiting += self._watcher.retune(config.tracking, config.zones, config.lines)

    def due_counts(self, at_s: float) -> Counts | None:
        """How many there are now, where that is news and the last ones are old enough."""
        if at_s - self._told_s < COUNTS_S and self._told is not None:
            return None
        counts = self._watcher.changed_counts() if self._watcher else _NOBODY
        if counts in (None, self._told) or (self._told is None and counts == _NOBODY):
            return None
        self._told, self._told_s = counts, at_s
        return counts

    def _judge_rest(self) -> None:
        gate = self._config.detect.gate
        if gate.enabled and self._watcher is not None:
            self.is_restless = self._watcher.needs_pictures(_HEARTBEATS * gate.heartbeat_s)

    def _watcher_of(self, labels: tuple[str, ...], at_ns: int) -> Watcher:
        """The one that there is, or a new one where another model answers."""
        watcher, config = self._watcher, self._config
        if watcher is None or labels != self._labels:
            self.end_all()
            self._labels = labels
            self.since_ns = at_ns
            watcher = self._watcher = Watcher(
                labels, config.tracking, config.zones, config.lines, last_number=self.number
            )
        return watcher

    def _taken(self) -> list[Happening]:
        taken, self._waiting = self._waiting, []
        return taken
