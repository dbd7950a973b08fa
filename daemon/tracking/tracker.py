"""From the boxes of one picture after another to objects that last. Pure; one camera, one thread.

Two passes of buffered IoU for boxes that are strong, a third one in which known objects may take
weak boxes (as ByteTrack does: Zhang et al., ECCV 2022), and a last one for objects that are not
confirmed yet. What is left of the strong boxes begins new objects. Time is the pictures' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from daemon.tracking.boxes import centred, coverage
from daemon.tracking.families import families
from daemon.tracking.matching import best_pairs, buffered_iou
from daemon.tracking.motion import corrected, predicted
from daemon.tracking.tracks import Tracks
from daemon.tracking.tuning import Tuning
from detector.detections import Detections

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

NO_ROW = -1
_NO_ROWS = np.zeros(0, np.intp)
_EDGE_PX = 3.0
_ROUNDING_S = 1e-9
_MOST_INTERVALS = 2.2  # a new object may miss one picture, not two


@dataclass(frozen=True, slots=True)
class Step:
    """What one picture changed; rows are of the tracker's `tracks`.

    `row` [N] of each box, NO_ROW where it is no object's; `confirmed` since this picture; `ended`,
    confirmed ones that are gone, oldest first.
    """

    row: IntArray
    confirmed: IntArray
    ended: IntArray


@dataclass(frozen=True, slots=True)
class _Expected:
    """The live objects as they should look now; arrays [M, …] beside `tracks.live`."""

    box: FloatArray
    spread: FloatArray
    size: FloatArray
    gap_s: FloatArray


@dataclass(frozen=True, slots=True)
class _Seen:
    """Boxes of one picture; arrays [N, …] beside each other."""

    box: FloatArray  # centre, width, height
    xyxy: FloatArray
    score: FloatArray
    class_id: IntArray
    strong: BoolArray

    @classmethod
    def of(cls, found: Detections, strong: BoolArray) -> _Seen:
        xyxy = found.xyxy_px.astype(np.float64)
        box = centred(xyxy)
        np.maximum(box[:, 2:], 1.0, out=box[:, 2:])
        return cls(box, xyxy, found.score, found.class_id.astype(np.intp), strong)

    def at(self, which: IntArray) -> _Seen:
        return _Seen(
            self.box[which],
            self.xyxy[which],
            self.score[which],
            self.class_id[which],
            self.strong[which],
        )


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

    def update(
        self, found: Detections, strong: BoolArray, at_s: float, *, size_wh: tuple[int, int]
    ) -> Step:
        """`strong` [N] are boxes certain enough to begin an object. A picture that is not newer
        than the one before changes nothing.
        """
        row = np.full(len(found), NO_ROW, np.intp)
        if at_s <= self._now_s:
            return Step(row, _NO_ROWS, _NO_ROWS)
        seen = _Seen.of(found, strong)
        self._size_px = np.array(size_wh, np.float64)
        self._note_interval(at_s)
        ended = self.forget(at_s)
        expected = self._expected(at_s)
        self._match(seen, expected, row)
        matched = (row != NO_ROW).nonzero()[0]
        if len(matched):
            self._sighted(row[matched], seen.at(matched), expected, at_s)
        new = (strong & (row == NO_ROW)).nonzero()[0]
        if len(new):
            # The surest first: the order of boxes must not say which of two doubles stays.
            new = new[np.lexsort((*seen.xyxy[new].T, -seen.score[new]))]
            row[new] = self._begin(seen.at(new), at_s)
        confirmed = self._confirm(at_s)
        return Step(row, confirmed, ended)

    def use(self, tuning: Tuning) -> None:
        """Go on with these numbers; objects stay who they are."""
        self._tuning = tuning

    def end_all(self) -> IntArray:
        """Forget everything: another stream, another model. Returns the rows of confirmed ones."""
        rows = self.tracks.release(np.ones(len(self.tracks.live), np.bool_))
        self._now_s = -np.inf
        self._interval_s = 0.0
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
        gap_s = at_s - tracks.seen_s[live]
        soonest_s = min(tuning.new_patience_s, tuning.leaving_s, tuning.forget_after_s)
        late = (gap_s > soonest_s).nonzero()[0]
        if not len(late):
            return _NO_ROWS
        gone = np.zeros(len(live), np.bool_)
        gone[late] = gap_s[late] > self.patience_s(live[late]) + _ROUNDING_S
        if not gone.any():
            return _NO_ROWS
        rows = tracks.release(gone)
        return rows[tracks.number[rows] > 0]

    def _expected(self, at_s: float) -> _Expected:
        tracks = self.tracks
        live = tracks.live
        gap_s = at_s - tracks.seen_s[live]
        # What stands stays where it is, however long it is hidden.
        moving_s = np.where(tracks.still[live], np.minimum(gap_s, self._interval_s), gap_s)
        effect_s, spread = predicted(tracks.spread[live], moving_s, self._tuning)
        box = tracks.box[live]
        box[:, :2] += tracks.speed[live] * effect_s[:, None]  # which is none of what stands
        return _Expected(box, spread, tracks.size(live), gap_s)

    def _match(self, seen: _Seen, expected: _Expected, row: IntArray) -> None:
        """Fill `row`, pass by pass."""
        tracks, tuning = self.tracks, self._tuning
        live = tracks.live
        if not len(live) or not len(row):
            return
        known = tracks.number[live] > 0
        alike = self._kin(live, seen.class_id)
        free = np.ones(len(live), np.bool_)
        (small, large), (strict, lax) = tuning.buffers, tuning.least
        recent = known & (expected.gap_s <= tuning.weak_within_s)
        for objects, candidates, buffer, least in (
            (known, seen.strong, small, strict),
            (known, seen.strong, large, lax),
            (recent, ~seen.strong, small, tuning.weak_least),
            (~known, seen.strong, large, tuning.new_least),
        ):
            m = (objects & free).nonzero()[0]
            n = (candidates & (row == NO_ROW)).nonzero()[0]
            if len(m) and len(n):
                likeness = self._likeness(expected, m, seen.box[n], buffer, least)
                at, of = best_pairs(likeness * alike[m[:, None], n])
                row[n[of]] = live[m[at]]
                free[m[at]] = False

    def _kin(self, live: IntArray, theirs: IntArray) -> FloatArray:
        """What an overlap is worth [M, N]: 1 for the same label, 0 for another family."""
        mine = self.tracks.label[live]
        same = mine[:, None] == theirs[None, :]
        kin = self._families[mine][:, None] == self._families[theirs][None, :]
        return np.where(same, 1.0, np.where(kin, self._tuning.other_label, 0.0))

    def _likeness(
        self, expected: _Expected, m: IntArray, boxes: FloatArray, buffer: float, least: float
    ) -> FloatArray:
        """Overlap, and how likely the box is [M, N]; 0 where the overlap is less than `least`."""
        tuning = self._tuning
        box, size, variance = expected.box[m], expected.size[m], expected.spread[m, 0]
        reach = np.minimum(tuning.reach * np.sqrt(variance), tuning.reach_limit)
        overlap = buffered_iou(box, boxes, buffer=buffer, reach_px=reach * size)
        total = variance + tuning.shake**2
        off = boxes[None, :, :2] - box[:, None, :2]
        grown = np.log(boxes[None, :, 2:] / box[:, None, 2:])
        unlikely = (
            _squared(off) / (size * size * total)[:, None]
            + _squared(grown) / tuning.side_shake**2
            + 2 * np.log(total / tuning.shake**2)[:, None]
        )
        likely = np.maximum(1 - unlikely / tuning.farthest, 0.0)
        likeness: FloatArray = np.where(overlap >= least, overlap + likely, 0.0)
        return likeness

    def _sighted(
        self,
        rows: IntArray,
        seen: _Seen,
        expected: _Expected,
        at_s: float,
    ) -> None:
        """The objects that were found are where their boxes say, as far as these are believed."""
        tracks, tuning = self.tracks, self._tuning
        place = np.empty(tracks.capacity, np.intp)
        place[tracks.live] = np.arange(len(tracks.live))
        m = place[rows]
        gap_s, before = expected.gap_s[m], expected.box[m]
        noise = np.where(seen.strong, tuning.shake**2, tuning.weak_shake**2)
        gain, speed_gain, spread = corrected(expected.spread[m], noise)
        off = seen.box - before
        box = before
        box[:, :2] += gain[:, None] * off[:, :2]
        believed = np.where(seen.strong, tuning.size_gain, tuning.size_gain / 2)
        box[:, 2:] += believed[:, None] * off[:, 2:]
        kept = np.exp(-np.maximum(gap_s - tuning.steady_s, 0.0) / tuning.fading_s)
        tracks.speed[rows] = tracks.speed[rows] * kept[:, None] + speed_gain[:, None] * off[:, :2]
        tracks.box[rows] = box
        tracks.spread[rows] = spread
        tracks.seen_box[rows] = seen.xyxy
        tracks.seen_score[rows] = seen.score
        tracks.best_score[rows] = np.maximum(tracks.best_score[rows], seen.score)
        tracks.unseen_s[rows] = gap_s
        tracks.seen_s[rows] = at_s
        tracks.sightings[rows] += 1
        self._vote(rows, seen, gap_s)
        self._rest(rows, at_s)

    def _vote(self, rows: IntArray, seen: _Seen, gap_s: FloatArray) -> None:
        """An object is called what it was seen as most; another label must lead clearly."""
        tracks, tuning = self.tracks, self._tuning
        votes = tracks.votes[rows] * np.exp(-gap_s / tuning.vote_s)[:, None]
        each = np.arange(len(rows))
        votes[each, seen.class_id] += seen.score
        tracks.votes[rows] = votes
        first, label = votes.argmax(axis=1), tracks.label[rows]
        leads = votes[each, first] > tuning.outvoted * votes[each, label]
        tracks.label[rows] = np.where(leads, first, label)

    def _rest(self, rows: IntArray, at_s: float) -> None:
        tracks, tuning = self.tracks, self._tuning
        centre, size = tracks.box[rows, :2], tracks.size(rows)
        moved = np.sqrt(_squared(centre - tracks.rest[rows])) / size
        still = tracks.still[rows]
        left = moved > np.where(still, tuning.moved_beyond, tuning.still_within)
        tracks.rest[rows[left]] = centre[left]
        tracks.rest_s[rows[left]] = at_s
        stands = ~left & (at_s - tracks.rest_s[rows] >= tuning.still_after_s)
        tracks.still[rows] = stands
        tracks.speed[rows[stands]] = 0.0

    def _begin(self, new: _Seen, at_s: float) -> IntArray:
        tracks, tuning = self.tracks, self._tuning
        rows = tracks.take(len(new.score))
        tracks.number[rows] = 0
        tracks.order[rows] = self._begun + np.arange(len(rows))
        self._begun += len(rows)
        tracks.box[rows] = new.box
        tracks.seen_box[rows] = new.xyxy
        tracks.seen_score[rows] = tracks.best_score[rows] = new.score
        tracks.speed[rows] = 0.0
        tracks.spread[rows] = (tuning.shake**2, 0.0, tuning.first_speed**2)
        tracks.first_s[rows] = tracks.seen_s[rows] = tracks.rest_s[rows] = at_s
        tracks.unseen_s[rows] = 0.0
        tracks.sightings[rows] = 1
        tracks.label[rows] = new.class_id
        tracks.votes[rows] = 0.0
        tracks.votes[rows, new.class_id] = new.score
        tracks.rest[rows] = new.box[:, :2]
        tracks.still[rows] = False
        return rows

    def _confirm(self, at_s: float) -> IntArray:
        tracks, tuning = self.tracks, self._tuning
        live = tracks.live
        sure = tracks.best_score[live] >= tuning.sure
        longer_s = max(tuning.confirm_after_s, tuning.unsure_after_s)
        wait_s = np.where(sure, tuning.confirm_after_s, longer_s)
        due = (
            (tracks.number[live] == 0)
            & (tracks.sightings[live] >= 2)
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


def _squared(vectors: FloatArray) -> FloatArray:
    """Squared lengths of vectors [..., 2]."""
    x, y = vectors[..., 0], vectors[..., 1]
    squares: FloatArray = x * x + y * y
    return squares
