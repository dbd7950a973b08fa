"""One camera's objects, zones and lines: answers go in, what happened comes out.

Pure, and told the time: no clock, no names of cameras, no messages. The results thread calls it, in
the order of time; whoever else does holds the seat (`Seat.answering`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from config.zones import LineConfig, TrackingConfig, ZoneConfig
from daemon.tracking.happenings import Counts, Event, Happening, Phase, Reason
from daemon.tracking.lines import Crossing, Lines
from daemon.tracking.lives import Lives
from daemon.tracking.tally import Tally
from daemon.tracking.tracker import Tracker
from daemon.tracking.tracks import Track
from daemon.tracking.tuning import Tuning
from daemon.tracking.zones import Passage, Zones
from detector.detections import Detections

BoolArray = npt.NDArray[np.bool_]

AWAY_S = 1.0  # without pictures for so long: who is gone then was not seen to go
HANDED_OVER_S = 1.5  # a new object may be one that was lost no longer ago than this
HANDED_OVER_SIZES = 1.5  # and no farther away


class Lasting(Struct, frozen=True, gc=False):
    """What a box's object is known as; the fields of a message's detection."""

    track: int
    age_s: float
    zones: tuple[str, ...]
    stationary: bool


class Account(Struct, frozen=True):
    """What one picture told: for each box its object, or None before that is confirmed; what
    happened, in order.
    """

    objects: tuple[Lasting | None, ...]
    happenings: tuple[Happening, ...]


def is_news(objects: Sequence[Lasting | None]) -> bool:
    """Whether a picture with boxes of these objects shows more than what is known and stands
    still.
    """
    return not all(known is not None and known.stationary for known in objects)


class Watcher:
    """Made for one model's labels and one camera's configuration; see `look`."""

    def __init__(
        self,
        labels: tuple[str, ...],
        tracking: TrackingConfig,
        zones: Mapping[str, ZoneConfig],
        lines: Mapping[str, LineConfig],
        *,
        last_number: int = 0,
    ) -> None:
        """Objects are numbered from `last_number` + 1."""
        self._labels = labels
        self._tracker = Tracker(labels, _tuning(tracking))
        self._tracker.last_number = last_number
        self._zones = Zones(zones, labels)
        self._lines = Lines(lines, labels)
        self._lives = Lives(labels)
        self._tally = Tally(self._lines, labels)
        self._size = (0, 0)
        self._changed = True  # whether counts may be others than when they were asked for last
        self._at_s = -math.inf
        self._at_ns = 0

    @property
    def last_number(self) -> int:
        """Of the newest object."""
        return self._tracker.last_number

    def needs_pictures(self, gap_s: float) -> bool:
        """Whether anything is followed, be it confirmed or not, that a gap of `gap_s` would lose;
        what has stood still for a while is waited for that long.
        """
        tracker = self._tracker
        if not tracker.tracks:
            return False
        stands = all(track.still for track in tracker.tracks)
        return not (stands and min(map(tracker.patience_s, tracker.tracks)) > gap_s)

    def retune(
        self,
        tracking: TrackingConfig,
        zones: Mapping[str, ZoneConfig],
        lines: Mapping[str, LineConfig],
    ) -> list[Happening]:
        """Go on with other rules: objects stay who they are; nothing begins anew in zones and at
        lines that are the same.
        """
        self._tracker.use(_tuning(tracking))
        happened = []
        fresh_zones, fresh_lines = Zones(zones, self._labels), Lines(lines, self._labels)
        zones_of = fresh_zones.places
        kept = [zones_of.names[new] for new, _ in zones_of.shared(self._zones.places)]
        for track in self._tracker.tracks:
            for passage in self._zones.end(track, self._at_s, uncertain=True, but=kept):
                happened.append(self._tell_passage(passage, reason="interrupted"))
        fresh_zones.carry(self._zones)
        fresh_lines.carry(self._lines)
        tally = Tally(fresh_lines, self._labels)
        tally.carry(self._tally, fresh_lines.places.shared(self._lines.places))
        self._zones, self._lines, self._tally = fresh_zones, fresh_lines, tally
        self._changed = True
        return happened

    def changed_counts(self) -> Counts | None:
        """How many there are now; None where nothing changed since this was asked last."""
        if not self._changed:
            return None
        self._changed = False
        return self.counts()

    def counts(self) -> Counts:
        """As of now."""
        return self._tally.counts(self._tracker.tracks, self._zones)

    def best_moments(self) -> list[tuple[int, int]]:
        """Number (0 before it is confirmed) and wall clock of the best moment so far, ns, of every
        object that is there.
        """
        lives = self._lives
        return [(track.number, lives.best_ns(track)) for track in self._tracker.tracks]

    def look(
        self,
        found: Detections,
        strong: BoolArray,
        *,
        at_s: float,
        at_ns: int,
        size: tuple[int, int],
    ) -> Account:
        """One answered picture of `size` (width, height), taken at `at_s` on the monotonic and
        `at_ns` on the wall clock. `strong` [N] are boxes that are certain enough to be reported.
        """
        happened = self.end_all() if size != self._size and self._size != (0, 0) else []
        away = at_s - self._at_s > AWAY_S
        self._size = size
        if at_s > self._at_s:
            self._at_s, self._at_ns = at_s, at_ns
        step = self._tracker.update(found, strong, at_s, size_wh=size)
        self._begin(step.begun)
        happened += self._ended(step.ended, "interrupted" if away else "gone")
        if step.altered:
            self._changed = True
            self._lives.suspect()
        seen = [track for track in step.tracks if track]
        if seen:
            self._lives.see(seen, at_ns)
            happened += [self._tell("object", "new", track) for track in step.confirmed]
            self._hand_over(step.confirmed)
            happened += self._passed(seen)
            happened += self._updates()
        return Account(tuple(map(self._lasting, step.tracks)), tuple(happened))

    def pass_time(self, at_s: float) -> list[Happening]:
        """No picture came for a while: objects whose time is over are gone all the same."""
        if at_s - self._at_s <= AWAY_S:
            return []
        return self._ended(self._tracker.forget(at_s), "interrupted")

    def end_all(self) -> list[Happening]:
        """Nothing is watched any more, or not this: every object's life is interrupted."""
        return self._ended(self._tracker.end_all(), "interrupted")

    def _begin(self, tracks: Iterable[Track]) -> None:
        for track in tracks:
            self._lives.begin(track, self._at_ns)
            self._zones.begin(track)
            self._lines.begin(track)

    def _lasting(self, track: Track | None) -> Lasting | None:
        """What is said of a box, if its object is confirmed."""
        if track is None or not track.number:
            return None
        age_s = round(self._at_s - track.first_s, 2)
        return Lasting(track.number, age_s, self._zones.names(track), track.still)

    def _passed(self, seen: Sequence[Track]) -> list[Happening]:
        """Zones and lines, for objects that were seen just now."""
        at_s, size_px = self._at_s, self._size
        happened = []
        if len(self._zones.places):
            passages = self._zones.see(seen, at_s=at_s, size_px=size_px)
            happened += [self._tell_passage(passage) for passage in passages]
        if len(self._lines.places):
            crossings = self._lines.see(seen, at_s=at_s, size_px=size_px)
            happened += [self._tell_crossing(crossing) for crossing in crossings]
        return happened

    def _hand_over(self, confirmed: Sequence[Track]) -> None:
        """A new object that appears where one was lost a moment ago is most likely that one under
        another number: it takes over on which side of each line that one was.
        """
        if not confirmed or not len(self._lines.places):
            return
        lost = [t for t in self._tracker.tracks if t.number and t.seen_s < self._at_s]
        for track in confirmed:
            near = [
                (_sizes_apart(track, one), one.order, one) for one in lost if _may_be(track, one)
            ]
            if near and (nearest := min(near))[0] <= HANDED_OVER_SIZES:
                self._lines.inherit(track, nearest[-1])

    def _updates(self) -> list[Happening]:
        changed = self._lives.changed(self._tracker.tracks, self._at_s)
        return [self._tell("object", "update", track) for track in changed]

    def _ended(self, tracks: Iterable[Track], reason: Reason) -> list[Happening]:
        happened = []
        for track in tracks:
            for passage in self._zones.end(track, track.seen_s, uncertain=True):
                happened.append(self._tell_passage(passage, reason=reason))
            happened.append(self._tell("object", "end", track, at_s=track.seen_s, reason=reason))
        present = self._tracker.tracks
        if len(present) < len(self._lives):
            for of_objects in (self._lives, self._zones, self._lines):
                of_objects.keep(present)
        return happened

    def _tell_passage(self, passage: Passage, *, reason: Reason | None = None) -> Happening:
        phases: dict[str, Phase] = {"entered": "entered", "left": "left", "loitering": "loitering"}
        return self._tell(
            "zone",
            phases[passage.phase],
            passage.track,
            at_s=passage.at_s,
            since_s=passage.since_s,
            place=self._zones.places.names[passage.zone],
            uncertain=passage.uncertain,
            reason=reason or ("gone" if passage.phase == "left" else None),
        )

    def _tell_crossing(self, crossing: Crossing) -> Happening:
        line = crossing.line
        self._tally.crossed(line, crossing.track.label, to_left=crossing.to_left)
        left, right = self._lines.directions[line]
        return self._tell(
            "line",
            "crossed",
            crossing.track,
            at_s=crossing.at_s,
            place=self._lines.places.names[line],
            direction=left if crossing.to_left else right,
            uncertain=crossing.uncertain,
        )

    def _tell(
        self,
        event: Event,
        phase: Phase,
        track: Track,
        *,
        at_s: float | None = None,
        since_s: float | None = None,
        place: str | None = None,
        direction: str | None = None,
        uncertain: bool = False,
        reason: Reason | None = None,
    ) -> Happening:
        lives = self._lives
        lives.told(track, self._at_s)
        self._changed = True
        return Happening(
            event,
            phase,
            lives.portrait(track, self._zones.names(track)),
            at_ns=self._at_ns if at_s is None else self._wall_ns(at_s),
            since_ns=lives.first_ns(track) if since_s is None else self._wall_ns(since_s),
            size=self._size,
            place=place,
            direction=direction,
            uncertain=uncertain,
            reason=reason,
        )

    def _wall_ns(self, at_s: float) -> int:
        """Wall clock of a moment before the newest picture."""
        return self._at_ns - round((self._at_s - at_s) * 1e9)


def _may_be(new: Track, lost: Track) -> bool:
    """Whether it was lost just before the new one appeared."""
    return new.label == lost.label and 0 < new.first_s - lost.seen_s <= HANDED_OVER_S


def _sizes_apart(new: Track, lost: Track) -> float:
    return math.hypot(lost.x - new.x, lost.y - new.y) / lost.size


def _tuning(tracking: TrackingConfig) -> Tuning:
    return Tuning(confirm_after_s=tracking.confirm_after_s, forget_after_s=tracking.forget_after_s)
