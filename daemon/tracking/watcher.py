"""One camera's objects, zones and lines: answers go in, what happened comes out.

Pure, and told the time: no clock, no names of cameras, no messages. The results thread calls it, in
the order of time; whoever else does holds the seat (`Seat.answering`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from config.zones import LineConfig, TrackingConfig, ZoneConfig
from daemon.tracking.happenings import Counts, Event, Happening, Phase, Reason
from daemon.tracking.lines import Crossing, Lines
from daemon.tracking.lives import Lives
from daemon.tracking.tally import Tally
from daemon.tracking.tracker import NO_ROW, Tracker
from daemon.tracking.tuning import Tuning
from daemon.tracking.zones import Passage, Zones
from detector.detections import Detections

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.intp]

AWAY_S = 1.0  # without pictures for so long: who is gone then was not seen to go
HANDED_OVER_S = 1.5  # a new object may be one that was lost no longer ago than this
HANDED_OVER_SIZES = 1.5  # and no farther away


@dataclass(frozen=True, slots=True)
class Lasting:
    """What a box's object is known as; the fields of a message's detection."""

    track: int
    age_s: float
    zones: tuple[str, ...]
    stationary: bool


@dataclass(frozen=True, slots=True)
class Account:
    """What one picture told: for each box its object, or None before that is confirmed; what
    happened, in order.
    """

    objects: tuple[Lasting | None, ...]
    happenings: tuple[Happening, ...]


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
        self._lives = Lives(self._tracker.tracks, labels)
        self._tally = Tally(self._lines, labels)
        self._size = (0, 0)
        self._changed = True  # whether counts may be others than when they were asked for last
        self._at_s = -np.inf
        self._at_ns = 0

    @property
    def last_number(self) -> int:
        """Of the newest object."""
        return self._tracker.last_number

    def needs_pictures(self, gap_s: float) -> bool:
        """Whether anything is followed, be it confirmed or not, that a gap of `gap_s` would lose;
        what has stood still for a while is waited for that long.
        """
        live = self._tracker.tracks.live
        if not len(live):
            return False
        stands = self._tracker.tracks.still[live].all()
        return not (stands and self._tracker.patience_s(live).min() > gap_s)

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
        tracks = self._tracker.tracks
        happened = []
        fresh_zones, fresh_lines = Zones(zones, self._labels), Lines(lines, self._labels)
        zones_of = fresh_zones.places
        kept = [zones_of.names[new] for new, _ in zones_of.shared(self._zones.places)]
        for row in tracks.live[tracks.number[tracks.live] > 0].tolist():
            for passage in self._zones.end(row, self._at_s, uncertain=True, but=kept):
                happened.append(self._tell_passage(passage, reason="interrupted"))
        fresh_zones.lengthen(tracks.capacity)
        fresh_lines.lengthen(tracks.capacity)
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
        tracks = self._tracker.tracks
        numbers = tracks.number[tracks.live].tolist()
        return list(zip(numbers, self._lives.best_ns(tracks.live), strict=True))

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
        tracker, tracks = self._tracker, self._tracker.tracks
        step = tracker.update(found, strong, at_s, size_wh=size)
        happened += self._ended(step.ended, "interrupted" if away else "gone")
        if step.altered:
            self._changed = True
            self._lives.suspect()
        rows = step.row[step.row != NO_ROW]
        if not len(rows):
            return Account((None,) * len(found), tuple(happened))
        if len(begun := step.begun):
            self._lives.begin(begun, at_ns)
            self._zones.begin(begun, tracks.capacity)
            self._lines.begin(begun, tracks.capacity)
        self._lives.see(rows, at_ns)
        happened += [self._tell("object", "new", row) for row in step.confirmed.tolist()]
        self._hand_over(step.confirmed)
        happened += self._passed(rows)
        happened += self._updates()
        return Account(self._objects(step.row), tuple(happened))

    def pass_time(self, at_s: float) -> list[Happening]:
        """No picture came for a while: objects whose time is over are gone all the same."""
        if at_s - self._at_s <= AWAY_S:
            return []
        return self._ended(self._tracker.forget(at_s), "interrupted")

    def end_all(self) -> list[Happening]:
        """Nothing is watched any more, or not this: every object's life is interrupted."""
        return self._ended(self._tracker.end_all(), "interrupted")

    def _objects(self, row: IntArray) -> tuple[Lasting | None, ...]:
        """For each box, of confirmed objects alone."""
        tracks = self._tracker.tracks
        rows, zones = row.tolist(), self._zones
        numbers, firsts_s = tracks.number[row].tolist(), tracks.first_s[row].tolist()
        stills = tracks.still[row].tolist()
        return tuple(
            Lasting(number, round(self._at_s - first_s, 2), zones.names(one), still)
            if number and one != NO_ROW
            else None
            for one, number, first_s, still in zip(rows, numbers, firsts_s, stills, strict=True)
        )

    def _passed(self, rows: IntArray) -> list[Happening]:
        """Zones and lines, for the objects in `rows`, which were seen just now."""
        if not len(self._zones.places) and not len(self._lines.places):
            return []
        tracks, size_px = self._tracker.tracks, np.array(self._size, np.float64)
        box, confirmed = tracks.box[rows], tracks.number[rows] > 0
        looks = (tracks.label[rows], tracks.seen_score[rows], box, size_px)
        happened = []
        if len(zones := self._zones.places):
            points, wanted = zones.anchors(box, size_px), zones.wanted(*looks)
            for passage in self._zones.see(
                rows,
                points,
                wanted,
                at_s=self._at_s,
                unseen_s=tracks.unseen_s[rows],
                confirmed=confirmed,
            ):
                happened.append(self._tell_passage(passage))
        if len(lines := self._lines.places):
            points, wanted = lines.anchors(box, size_px), lines.wanted(*looks)
            for crossing in self._lines.see(
                rows,
                points,
                wanted,
                at_s=self._at_s,
                size_px=size_px,
                object_px=tracks.size(rows),
                confirmed=confirmed,
            ):
                happened.append(self._tell_crossing(crossing))
        return happened

    def _hand_over(self, confirmed: IntArray) -> None:
        """A new object that appears where one was lost a moment ago is most likely that one under
        another number: it takes over on which side of each line that one was.
        """
        if not len(confirmed) or not len(self._lines.places):
            return
        tracks = self._tracker.tracks
        lost = tracks.live[(tracks.seen_s[tracks.live] < self._at_s)]
        lost = lost[tracks.number[lost] > 0]
        for row in confirmed.tolist():
            gap_s = tracks.first_s[row] - tracks.seen_s[lost]
            apart = np.linalg.norm(tracks.box[lost, :2] - tracks.box[row, :2], axis=1)
            apart /= tracks.size(lost)
            near = (
                (gap_s > 0)
                & (gap_s <= HANDED_OVER_S)
                & (apart <= HANDED_OVER_SIZES)
                & (tracks.label[lost] == tracks.label[row])
            )
            if near.any():
                before = int(lost[np.where(near, apart, np.inf).argmin()])
                self._lines.inherit(row, before)

    def _updates(self) -> list[Happening]:
        changed = self._lives.changed(self._at_s)
        return [self._tell("object", "update", row) for row in changed.tolist()]

    def _ended(self, rows: IntArray, reason: Reason) -> list[Happening]:
        happened = []
        for row in rows.tolist():
            seen_s = float(self._tracker.tracks.seen_s[row])
            for passage in self._zones.end(row, seen_s, uncertain=True):
                happened.append(self._tell_passage(passage, reason=reason))
            happened.append(self._tell("object", "end", row, at_s=seen_s, reason=reason))
        return happened

    def _tell_passage(self, passage: Passage, *, reason: Reason | None = None) -> Happening:
        phases: dict[str, Phase] = {"entered": "entered", "left": "left", "loitering": "loitering"}
        return self._tell(
            "zone",
            phases[passage.phase],
            passage.row,
            at_s=passage.at_s,
            since_s=passage.since_s,
            place=self._zones.places.names[passage.zone],
            uncertain=passage.uncertain,
            reason=reason or ("gone" if passage.phase == "left" else None),
        )

    def _tell_crossing(self, crossing: Crossing) -> Happening:
        line, tracks = crossing.line, self._tracker.tracks
        self._tally.crossed(line, int(tracks.label[crossing.row]), to_left=crossing.to_left)
        left, right = self._lines.directions[line]
        return self._tell(
            "line",
            "crossed",
            crossing.row,
            at_s=crossing.at_s,
            place=self._lines.places.names[line],
            direction=left if crossing.to_left else right,
            uncertain=crossing.uncertain,
        )

    def _tell(
        self,
        event: Event,
        phase: Phase,
        row: int,
        *,
        at_s: float | None = None,
        since_s: float | None = None,
        place: str | None = None,
        direction: str | None = None,
        uncertain: bool = False,
        reason: Reason | None = None,
    ) -> Happening:
        lives = self._lives
        lives.told(row, self._at_s)
        self._changed = True
        return Happening(
            event,
            phase,
            lives.portrait(row, self._zones.names(row)),
            at_ns=self._at_ns if at_s is None else self._wall_ns(at_s),
            since_ns=lives.first_ns(row) if since_s is None else self._wall_ns(since_s),
            size=self._size,
            place=place,
            direction=direction,
            uncertain=uncertain,
            reason=reason,
        )

    def _wall_ns(self, at_s: float) -> int:
        """Wall clock of a moment before the newest picture."""
        return self._at_ns - round((self._at_s - at_s) * 1e9)


def _tuning(tracking: TrackingConfig) -> Tuning:
    return Tuning(confirm_after_s=tracking.confirm_after_s, forget_after_s=tracking.forget_after_s)
