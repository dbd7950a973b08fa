"""From the boxes of one picture after another to objects that last. Pure; one camera, one thread.

Two passes of buffered IoU for boxes that are strong, a third one in which known objects may take
weak boxes (as ByteTrack does: Zhang et al., ECCV 2022), and a last one for objects that are not
confirmed yet. What is left of the strong boxes begins new objects. Time is the pictures' own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from daemon.tracking.boxes import coverage
from daemon.tracking.families import families
from daemon.tracking.motion import corrected, kept, spread_after, travelled
from daemon.tracking.pairing import BOX_CORNERS, BOX_SCORE, Expected, Pairing, Seen
from daemon.tracking.tracks import (
    BEST_SCORE,
    BOX,
    FIRST_S,
    PLACE,
    REST,
    REST_S,
    SEEN_BOX,
    SEEN_S,
    SEEN_SCORE,
    SIDES,
    SPEED,
    SPREAD,
    UNSEEN_S,
    Tracks,
    root_area,
)
from daemon.tracking.tuning import Tuning
from detector.detections import Detections

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

NO_ROW = -1
_NO_ROWS = np.zeros(0, np.intp)
_EDGE_PX = 3.0
_ROUNDING_S = 1e-9
_FADED = 100.0  # so many times `vote_s` ago: such votes count nothing
_MOST_INTERVALS = 2.2  # a new object may miss one picture, not two


@dataclass(frozen=True, slots=True)
class Step:
    """What one picture changed; rows are of the tracker's `tracks`.

    `row` [N] of each box, NO_ROW where it is no object's; `begun` with this picture; `confirmed`
    since this picture; `ended`, confirmed ones that are gone, oldest first.
    """

    row: IntArray
    begun: IntArray
    confirmed: IntArray
    ended: IntArray
    altered: bool = False  # some object's label or rest is another one than before


class Tracker:
    """`update` with every answer, in the order of time."""

    def __init__(self, labels: Sequence[str], tuning: Tuning) -> None:
        self.tracks = Tracks(len(labels))
        self.last_number = 0
        self._families = families(labels)
        self._tuning = tuning
        self._begun = 0
        self._now_s = -np.inf
        self._interval_s = 0.0  # between two pictures, on average
        self._size_px = np.zeros(2)
        self._votes_s = 0.0  # when a vote counts 1

    def update(
        self, found: Detections, strong: BoolArray, at_s: float, *, size_wh: tuple[int, int]
    ) -> Step:
        """`strong` [N] are boxes certain enough to begin an object. A picture that is not newer
        than the one before changes nothing.
        """
        row = np.full(len(found), NO_ROW, np.intp)
        if at_s <= self._now_s:
            return Step(row, _NO_ROWS, _NO_ROWS, _NO_ROWS)
        seen = Seen.of(found, strong)
        self._size_px = np.array(size_wh, np.float64)
        self._note_interval(at_s)
        ended = self.forget(at_s)
        altered = False
        if len(row) and len(self.tracks.live):
            expected = self._expected(at_s)
            objects, boxes = self._match(seen, expected)
            if len(boxes):
                row[boxes] = self.tracks.live[objects]
                altered = self._sighted(row[boxes], seen.at(boxes), expected, objects, at_s)
        begun = _NO_ROWS
        new = (strong & (row == NO_ROW)).nonzero()[0]
        if len(new):
            # The surest first: the order of boxes must not say which of two doubles stays.
            new = new[np.lexsort((*seen.table[BOX_CORNERS, new], -seen.table[BOX_SCORE, new]))]
            row[new] = begun = self._begin(seen.at(new), at_s)
        confirmed = self._confirm(at_s)
        return Step(row, begun, confirmed, ended, altered)

    def use(self, tuning: Tuning) -> None:
        """Go on with these numbers; objects stay who they are."""
        self._tuning = tuning

    def end_all(self) -> IntArray:
        """Forget everything: another stream, another model. Returns the rows of confirmed ones."""
        rows = self.tracks.release(np.ones(len(self.tracks.live), np.bool_))
        self._now_s = -np.inf
        self._interval_s = self._votes_s = 0.0
        return rows[self.tracks.number[rows] > 0]

    def patience_s(self, rows: IntArray) -> FloatArray:
        """How long each [N] may be unseen before it is gone."""
        tracks, tuning = self.tracks, self._tuning
        stood_s = np.where(tracks.still[rows], tracks.seen_s[rows] - tracks.rest_s[rows], 0.0)
        known = tuning.forget_after_s + np.minimum(
            stood_s, (tuning.still_patience - 1) * tuning.forget_after_s
        )
        two_missed_s = _MOST_INTERVALS * self._interval_s
        known[self._leaving(rows)] = max(tuning.leaving_s, two_missed_s)
        new = max(tuning.new_patience_s, two_missed_s)
        patience: FloatArray = np.where(tracks.number[rows] > 0, known, new)
        return patience

    def _leaving(self, rows: IntArray) -> BoolArray:
        """Which were at an edge of the picture when last seen, and moved towards it."""
        tracks = self.tracks
        box, speed = tracks.seen_box[rows], tracks.speed[rows]
        low = (box[:, :2] <= _EDGE_PX) & (speed < 0)
        high = (box[:, 2:] >= self._size_px - _EDGE_PX) & (speed > 0)
        leaving: BoolArray = (low | high).any(axis=1) & ~tracks.still[rows]
        return leaving

    def _note_interval(self, at_s: float) -> None:
        gap_s = at_s - self._now_s
        self._now_s = at_s
        if gap_s > self._tuning.forget_after_s:  # the stream was away: it says nothing of its rate
            return
        self._interval_s = gap_s if not self._interval_s else 0.8 * self._interval_s + 0.2 * gap_s

    def forget(self, at_s: float) -> IntArray:
        """Whoever was not seen for too long by then is gone; returns the rows of confirmed ones."""
        tracks, tuning = self.tracks, self._tuning
        live = tracks.live
        if not len(live):
            return _NO_ROWS
        gap_s = at_s - tracks.seen_s[live]
        soonest_s = min(tuning.new_patience_s, tuning.leaving_s, tuning.forget_after_s)
        if gap_s.max() <= soonest_s:
            return _NO_ROWS
        late = (gap_s > soonest_s).nonzero()[0]
        gone = np.zeros(len(live), np.bool_)
        gone[late] = gap_s[late] > self.patience_s(live[late]) + _ROUNDING_S
        if not gone.any():
            return _NO_ROWS
        rows = tracks.release(gone)
        return rows[tracks.number[rows] > 0]

    def _expected(self, at_s: float) -> Expected:
        tracks, tuning = self.tracks, self._tuning
        live = tracks.live
        table = tracks.table.take(live, axis=1)
        gap_s = at_s - table[SEEN_S]
        longest_s = float(gap_s.max())
        moving_s, still = gap_s, tracks.still.take(live)
        if stood := bool(still.any()):  # what stands stays where it is, however long it is hidden
            moving_s = np.where(still, np.minimum(gap_s, self._interval_s), gap_s)
        effect_s = moving_s if longest_s <= tuning.steady_s else travelled(moving_s, tuning)
        spread_after(table[SPREAD], effect_s, moving_s, tuning)
        table[PLACE] += table[SPEED] * effect_s  # which is none of what stands
        return Expected(table, root_area(*table[SIDES]), gap_s, longest_s, stood)

    def _match(self, seen: Seen, expected: Expected) -> tuple[IntArray, IntArray]:
        """Places in `live` and boxes that belong together, pass by pass."""
        tuning, live = self._tuning, self.tracks.live
        known = self.tracks.number[live] > 0
        (small, large), (strict, lax) = tuning.buffers, tuning.least
        recent = known & (expected.gap_s <= tuning.weak_within_s)
        pairing = Pairing(expected, seen, self._kin(live, seen.class_id), tuning)
        pairing.match(known, seen.strong, small, strict)
        pairing.match(known, seen.strong, large, lax)
        pairing.match(recent, ~seen.strong, small, tuning.weak_least)
        if not known.all():
            pairing.match(~known, seen.strong, large, tuning.new_least)
        return pairing.pairs()

    def _kin(self, live: IntArray, theirs: IntArray) -> FloatArray | None:
        """What an overlap is worth [M, N]: 1 for the same label, 0 for another family; None where
        all are the same.
        """
        mine = self.tracks.label[live]
        same = mine[:, None] == theirs
        if same.all():
            return None
        kin = self._families[mine][:, None] == self._families[theirs]
        return np.where(same, 1.0, np.where(kin, self._tuning.other_label, 0.0))

    def _sighted(
        self, rows: IntArray, seen: Seen, expected: Expected, places: IntArray, at_s: float
    ) -> bool:
        """The objects that were found, at these `places` of `live`, are where their boxes say, as
        far as these are believed. Returns whether the label or rest of some is another one now.
        """
        tracks, tuning = self.tracks, self._tuning
        now, gap_s = expected.table.take(places, axis=1), expected.gap_s.take(places)
        noise: FloatArray | float = tuning.shake**2
        believed: FloatArray | float = tuning.size_gain
        if not seen.strong.all():
            noise = np.where(seen.strong, noise, tuning.weak_shake**2)
            believed = np.where(seen.strong, believed, tuning.size_gain / 2)
        gain, speed_gain = corrected(now[SPREAD], noise)
        off = seen.table[BOX] - now[BOX]
        if expected.longest_s > tuning.steady_s:
            now[SPEED] *= kept(gap_s, tuning)
        now[SPEED] += speed_gain * off[PLACE]
        off[PLACE] *= gain
        off[SIDES] *= believed
        now[BOX] += off
        now[SEEN_BOX] = seen.table[BOX_CORNERS]
        now[SEEN_SCORE] = seen.table[BOX_SCORE]
        np.maximum(now[BEST_SCORE], now[SEEN_SCORE], out=now[BEST_SCORE])
        now[UNSEEN_S] = gap_s
        now[SEEN_S] = at_s
        altered = self._rest(rows, now, at_s, stood=expected.stood)
        tracks.table[:, rows] = now
        tracks.sightings[rows] += 1
        return self._vote(rows, seen, at_s) or altered

    def _vote(self, rows: IntArray, seen: Seen, at_s: float) -> bool:
        """An object is called what it was seen as most; another label must lead clearly. Returns
        whether it does for some.
        """
        tracks, tuning = self.tracks, self._tuning
        weight = self._weight(at_s)  # first: it may make all votes less
        votes = tracks.votes
        votes[rows, seen.class_id] += seen.table[BOX_SCORE] * weight
        label = tracks.label.take(rows)
        if (label == seen.class_id).all():  # who gains votes is not outvoted
            return False
        each, mine = np.arange(len(rows)), votes[rows]
        first = mine.argmax(axis=1)
        leads = mine[each, first] > tuning.outvoted * mine[each, label]
        tracks.label[rows] = np.where(leads, first, label)
        return bool(leads.any())

    def _weight(self, at_s: float) -> float:
        """What a vote counts now: old ones fade, but instead of these becoming less by `vote_s`
        those that come become more, until all are made less at once.
        """
        tuning = self._tuning
        if at_s - self._votes_s > _FADED * tuning.vote_s:
            self.tracks.votes *= math.exp((self._votes_s - at_s) / tuning.vote_s)
            self._votes_s = at_s
        return math.exp((at_s - self._votes_s) / tuning.vote_s)

    def _rest(self, rows: IntArray, now: FloatArray, at_s: float, *, stood: bool) -> bool:
        """Whether some object stands now that did not, or the other way round; `stood` is whether
        any did.
        """
        tracks, tuning = self.tracks, self._tuning
        moved = now[PLACE] - now[REST]
        moved *= moved
        far = moved[0] + moved[1]
        far /= np.maximum(now[SIDES.start] * now[SIDES.start + 1], 1.0)  # sizes²
        within: FloatArray | float = tuning.still_within**2
        if stood:
            still = tracks.still.take(rows)
            within = np.where(still, tuning.moved_beyond**2, within)
        left = far > within
        np.copyto(now[REST], now[PLACE], where=left)
        np.copyto(now[REST_S], at_s, where=left)
        # Whoever left stands since now: for no time at all.
        stands = now[REST_S] <= at_s - tuning.still_after_s
        if not stood:
            if not stands.any():
                return False
            still = np.zeros(len(rows), np.bool_)
        tracks.still[rows] = stands
        np.copyto(now[SPEED], 0.0, where=stands)
        return bool((stands != still).any())

    def _begin(self, new: Seen, at_s: float) -> IntArray:
        tracks, tuning = self.tracks, self._tuning
        rows = tracks.take(len(new.class_id))
        tracks.number[rows] = 0
        tracks.order[rows] = self._begun + np.arange(len(rows))
        self._begun += len(rows)
        table = np.zeros((len(tracks.table), len(rows)))
        table[BOX] = new.table[BOX]
        table[SEEN_BOX] = new.table[BOX_CORNERS]
        table[SEEN_SCORE] = table[BEST_SCORE] = new.table[BOX_SCORE]
        table[SPREAD] = np.array([[tuning.shake**2], [0.0], [tuning.first_speed**2]])
        table[FIRST_S] = table[SEEN_S] = table[REST_S] = at_s
        table[REST] = new.table[PLACE]
        tracks.table[:, rows] = table
        tracks.sightings[rows] = 1
        tracks.label[rows] = new.class_id
        weight = self._weight(at_s)
        tracks.votes[rows] = 0.0
        tracks.votes[rows, new.class_id] = new.table[BOX_SCORE] * weight
        tracks.still[rows] = False
        return rows

    def _confirm(self, at_s: float) -> IntArray:
        tracks, tuning = self.tracks, self._tuning
        live = tracks.live
        live = live[tracks.number[live] == 0]
        if not len(live):
            return _NO_ROWS
        sure = tracks.best_score[live] >= tuning.sure
        longer_s = max(tuning.confirm_after_s, tuning.unsure_after_s)
        wait_s = np.where(sure, tuning.confirm_after_s, longer_s)
        due = (
            (tracks.sightings[live] >= 2)
            & (at_s - tracks.first_s[live] >= wait_s - _ROUNDING_S)
            & (tracks.seen_s[live] == at_s)
        )
        rows: IntArray = live[due]
        if len(rows):
            rows = rows[~self._doubles(rows, at_s)]
            tracks.number[rows] = self.last_number + 1 + np.arange(len(rows))
            self.last_number += len(rows)
        return rows

    def _doubles(self, rows: IntArray, at_s: float) -> BoolArray:
        """Which of these new objects may be no more than a second box of another one. Two people
        who walk abreast stay two; a car that is a truck as well is one for ever.
        """
        tracks, tuning = self.tracks, self._tuning
        others = tracks.live[tracks.seen_s[tracks.live] == at_s]
        mine, theirs = tracks.seen_box[rows], tracks.seen_box[others]
        inside = np.maximum(coverage(mine, theirs), coverage(theirs, mine).T) > tuning.double
        family = self._families[tracks.label]
        inside &= family[rows][:, None] == family[others][None, :]
        # Of two new ones the one that was there first is the object.
        inside &= (tracks.number[others] > 0) | (tracks.order[others] < tracks.order[rows][:, None])
        early = at_s - tracks.first_s[rows] < tuning.double_after_s
        same_label = tracks.label[rows][:, None] == tracks.label[others][None, :]
        doubles: BoolArray = (inside & (early[:, None] | ~same_label)).any(axis=1)
        return doubles
