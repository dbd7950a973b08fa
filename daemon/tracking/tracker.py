"""From the boxes of one picture after another to objects that last. Pure; one camera, one thread.

What no object of before takes of the strong boxes begins new ones. Time is the pictures' own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from daemon.tracking.association import associated
from daemon.tracking.boxes import covered, shared_area
from daemon.tracking.crowd import is_crowd
from daemon.tracking.families import families
from daemon.tracking.motion import correct, expect
from daemon.tracking.sighting import Sighting, sightings_of
from daemon.tracking.tracks import Track
from daemon.tracking.tuning import Tuning
from detector.detections import Detections

BoolArray = npt.NDArray[np.bool_]

_EDGE_PX = 3.0
_ROUNDING_S = 1e-9
_FADED = 100.0  # so many times `vote_s` ago: such votes count nothing
_MOST_INTERVALS = 2.2  # a new object may miss one picture, not two


@dataclass(slots=True)
class Step:
    """What one picture changed.

    `tracks` has the object of each box, None where it is nobody's; `begun` with this picture;
    `confirmed` since this picture; `ended`, confirmed ones that are gone, oldest first.
    """

    tracks: list[Track | None]
    begun: Sequence[Track] = ()
    confirmed: Sequence[Track] = ()
    ended: Sequence[Track] = ()
    altered: bool = False  # some object's label or rest is another one than before


class Tracker:
    """`update` with every answer, in the order of time."""

    def __init__(self, labels: Sequence[str], tuning: Tuning) -> None:
        self.tracks: list[Track] = []  # that are there, oldest first
        self.last_number = 0
        self._families: list[int] = families(tuple(labels)).tolist()
        self._tuning = tuning
        self._begun = 0
        self._now_s = -math.inf
        self._interval_s = 0.0  # between two pictures, on average
        self._size_px = (0, 0)
        self._votes_s = 0.0  # when a vote counts 1

    def update(
        self, found: Detections, strong: BoolArray, at_s: float, *, size_wh: tuple[int, int]
    ) -> Step:
        """`strong` [N] are boxes certain enough to begin an object. A picture that is not newer
        than the one before changes nothing.
        """
        if at_s <= self._now_s:
            return Step([None] * len(found))
        self._size_px = size_wh
        self._note_interval(at_s)
        step = Step([], ended=self.forget(at_s))
        sightings = sightings_of(found, strong) if len(found) else []
        if not sightings:
            return step
        whose = self._found_again(sightings, step, at_s) if self.tracks else {}
        if len(whose) < len(sightings):
            new = [s for s in sightings if s.strong and s not in whose]
            new.sort(key=_surest_first)
            step.begun = self._begin(new, at_s)
            whose.update(zip(new, step.begun, strict=True))
        step.tracks = [whose.get(sighting) for sighting in sightings]
        step.confirmed = self._confirm(at_s)
        return step

    def _found_again(
        self, sightings: Sequence[Sighting], step: Step, at_s: float
    ) -> dict[Sighting, Track]:
        """Objects of before that are in this picture, by their boxes."""
        tuning = self._tuning
        for track in self.tracks:
            expect(track, at_s, self._interval_s, tuning)
        pairs = associated(self.tracks, sightings, self._families, tuning)
        if not pairs:
            return {}
        weight = self._weight(at_s)
        for track, sighting in pairs:
            correct(track, sighting, tuning)
            if self._rest(track, at_s) | self._vote(track, sighting, weight):
                step.altered = True
            _note(track, sighting, at_s)
        return {sighting: track for track, sighting in pairs}

    def use(self, tuning: Tuning) -> None:
        """Go on with these numbers; objects stay who they are."""
        self._tuning = tuning

    def end_all(self) -> list[Track]:
        """Forget everything: another stream, another model. Returns the confirmed ones."""
        gone, self.tracks = self.tracks, []
        self._now_s = -math.inf
        self._interval_s = self._votes_s = 0.0
        return [track for track in gone if track.number]

    def patience_s(self, track: Track) -> float:
        """How long it may be unseen before it is gone."""
        tuning = self._tuning
        two_missed_s = _MOST_INTERVALS * self._interval_s
        if not track.number:
            return max(tuning.new_patience_s, two_missed_s)
        if track.still:
            most_s = (tuning.still_patience - 1) * tuning.forget_after_s
            return tuning.forget_after_s + min(track.seen_s - track.rest_s, most_s)
        if self._leaves(track):
            return max(tuning.leaving_s, two_missed_s)
        return tuning.forget_after_s

    def _leaves(self, track: Track) -> bool:
        """Whether it was at an edge of the picture when last seen, and moved towards it."""
        x1, y1, x2, y2 = track.seen_box
        width, height = self._size_px
        return (
            (x1 <= _EDGE_PX and track.vx < 0)
            or (y1 <= _EDGE_PX and track.vy < 0)
            or (x2 >= width - _EDGE_PX and track.vx > 0)
            or (y2 >= height - _EDGE_PX and track.vy > 0)
        )

    def _note_interval(self, at_s: float) -> None:
        gap_s = at_s - self._now_s
        self._now_s = at_s
        if gap_s > self._tuning.forget_after_s:  # the stream was away: it says nothing of its rate
            return
        self._interval_s = gap_s if not self._interval_s else 0.8 * self._interval_s + 0.2 * gap_s

    def forget(self, at_s: float) -> list[Track]:
        """Whoever was not seen for too long by then is gone; returns the confirmed ones."""
        tuning = self._tuning
        soonest_s = min(tuning.new_patience_s, tuning.leaving_s, tuning.forget_after_s)
        gone = {
            track
            for track in self.tracks
            if (gap_s := at_s - track.seen_s) > soonest_s
            and gap_s > self.patience_s(track) + _ROUNDING_S
        }
        if not gone:
            return []
        ended = [track for track in self.tracks if track in gone and track.number]
        self.tracks = [track for track in self.tracks if track not in gone]
        return ended

    def _vote(self, track: Track, sighting: Sighting, weight: float) -> bool:
        """An object is called what it was seen as most; another label must lead clearly. Returns
        whether it does.
        """
        votes, label = track.votes, sighting.class_id
        votes[label] = votes.get(label, 0.0) + sighting.score * weight
        if track.label == label:  # who gains votes is not outvoted
            return False
        first = min(votes, key=lambda one: (-votes[one], one))
        if votes[first] <= self._tuning.outvoted * votes[track.label]:
            return False
        track.label = first
        return True

    def _weight(self, at_s: float) -> float:
        """What a vote counts now: old ones fade, but instead of these becoming less by `vote_s`
        those that come become more, until all are made less at once.
        """
        vote_s = self._tuning.vote_s
        if at_s - self._votes_s > _FADED * vote_s:
            less = math.exp((self._votes_s - at_s) / vote_s)
            for track in self.tracks:
                track.votes = {label: votes * less for label, votes in track.votes.items()}
            self._votes_s = at_s
        return math.exp((at_s - self._votes_s) / vote_s)

    def _rest(self, track: Track, at_s: float) -> bool:
        """Whether it stands now and did not, or the other way round."""
        tuning = self._tuning
        off_x, off_y = track.x - track.rest_x, track.y - track.rest_y
        far = (off_x * off_x + off_y * off_y) / max(track.width * track.height, 1.0)  # sizes²
        within = tuning.moved_beyond if track.still else tuning.still_within
        if far > within * within:
            track.rest_x, track.rest_y, track.rest_s = track.x, track.y, at_s
        stood, track.still = track.still, track.rest_s <= at_s - tuning.still_after_s
        if track.still:
            track.vx = track.vy = 0.0
        return track.still is not stood

    def _begin(self, sightings: Sequence[Sighting], at_s: float) -> list[Track]:
        tuning, weight = self._tuning, self._weight(at_s)
        begun = [
            Track(
                order=self._begun + n,
                label=sighting.class_id,
                x=sighting.x,
                y=sighting.y,
                width=sighting.width,
                height=sighting.height,
                variance=tuning.shake**2,
                speed_variance=tuning.first_speed**2,
                first_s=at_s,
                seen_s=at_s,
                seen_box=sighting.corners,
                seen_score=sighting.score,
                best_score=sighting.score,
                rest_x=sighting.x,
                rest_y=sighting.y,
                rest_s=at_s,
                votes={sighting.class_id: sighting.score * weight},
            )
            for n, sighting in enumerate(sightings)
        ]
        self._begun += len(begun)
        self.tracks += begun
        return begun

    def _confirm(self, at_s: float) -> list[Track]:
        tuning = self._tuning
        longer_s = max(tuning.confirm_after_s, tuning.unsure_after_s)
        due = [
            track
            for track in self.tracks
            if not track.number
            and track.sightings >= 2
            and track.seen_s == at_s
            and at_s - track.first_s
            >= (tuning.confirm_after_s if track.best_score >= tuning.sure else longer_s)
            - _ROUNDING_S
        ]
        doubles = self._doubles(due, at_s) if due else ()
        confirmed = [track for track in due if track not in doubles]
        for track in confirmed:
            self.last_number += 1
            track.number = self.last_number
        return confirmed

    def _doubles(self, due: Sequence[Track], at_s: float) -> set[Track]:
        """Which of these new objects may be no more than a second box of another one. Two people
        who walk abreast stay two; a car that is a truck as well is one for ever.
        """
        seen = [track for track in self.tracks if track.seen_s == at_s]
        if not is_crowd(due, seen):
            pairs = [(new, other) for new in due for other in seen]
        else:
            ours, theirs = (np.array([t.seen_box for t in of]) for of in (due, seen))
            rows, columns = (shared_area(ours, theirs) > 0).nonzero()
            places = zip(rows.tolist(), columns.tolist(), strict=True)
            pairs = [(due[row], seen[column]) for row, column in places]
        return {new for new, other in pairs if self._is_double(new, other, at_s)}

    def _is_double(self, new: Track, other: Track, at_s: float) -> bool:
        tuning = self._tuning
        is_early = at_s - new.first_s < tuning.double_after_s
        return (
            (is_early or other.label != new.label)
            # Of two new ones the one that was there first is the object.
            and (other.number > 0 or other.order < new.order)
            and self._families[other.label] == self._families[new.label]
            and covered(new.seen_box, other.seen_box) > tuning.double
        )


def _note(track: Track, sighting: Sighting, at_s: float) -> None:
    """When it was seen, and how."""
    track.unseen_s, track.seen_s = track.gap_s, at_s
    track.seen_box, track.seen_score = sighting.corners, sighting.score
    track.best_score = max(track.best_score, sighting.score)
    track.sightings += 1


def _surest_first(sighting: Sighting) -> tuple[float, ...]:
    """The order of boxes must not say which of two doubles stays."""
    return -sighting.score, *reversed(sighting.corners)
