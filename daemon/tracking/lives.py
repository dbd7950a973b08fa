"""The life of every object as events tell it: new, updates that are worth one, end. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from daemon.tracking.happenings import Moment, Portrait
from daemon.tracking.tracks import Track

UPDATE_S = 1.0  # between two updates of one object, at least
BETTER = 0.1  # of a score, to be worth an update
FINER = 0.02  # of a score, to be an object's best moment from now on: so that it changes seldom


@dataclass(slots=True, eq=False)
class _Life:
    """What was first and best of an object, and what was told of it."""

    first: Moment
    best: Moment
    told_s: float = 0.0
    told_label: int = 0
    told_still: bool = False
    told_best: float = 0.0


class Lives:
    """Of all objects that are there."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._lives: dict[Track, _Life] = {}
        self._suspect = False  # whether anything may be worth an update

    def __len__(self) -> int:
        return len(self._lives)

    def begin(self, track: Track, at_ns: int) -> None:
        """A new object, just seen for the first time."""
        now = _moment(track, at_ns)
        self._lives[track] = _Life(now, now)
        self._suspect = True

    def keep(self, tracks: Iterable[Track]) -> None:
        """The others are gone."""
        self._lives = {track: self._lives[track] for track in tracks}

    def see(self, tracks: Iterable[Track], at_ns: int) -> None:
        """These were seen."""
        lives = self._lives
        for track in tracks:
            life = lives[track]
            if track.seen_score > life.best.score + FINER:
                life.best = _moment(track, at_ns)
                self._suspect = True

    def told(self, track: Track, at_s: float) -> None:
        """An event about the object goes out: it says how it is now."""
        life = self._lives[track]
        life.told_s, life.told_label, life.told_still = at_s, track.label, track.still
        life.told_best = life.best.score

    def suspect(self) -> None:
        """Some object's label or rest is another one than before."""
        self._suspect = True

    def changed(self, tracks: Collection[Track], at_s: float) -> list[Track]:
        """Which of `tracks` are confirmed, were seen just now and are worth an update."""
        if not self._suspect:
            return []
        changed = [track for track in tracks if track.number and self._is_news(track)]
        self._suspect = bool(changed)
        return [
            track
            for track in changed
            if track.seen_s == at_s and at_s - self._lives[track].told_s >= UPDATE_S
        ]

    def _is_news(self, track: Track) -> bool:
        life = self._lives[track]
        return (
            track.label != life.told_label
            or track.still is not life.told_still
            or life.best.score >= life.told_best + BETTER
        )

    def best_ns(self, track: Track) -> int:
        """Wall clock of its best moment so far."""
        return self._lives[track].best.captured_ns

    def first_ns(self, track: Track) -> int:
        return self._lives[track].first.captured_ns

    def portrait(self, track: Track, zones: tuple[str, ...]) -> Portrait:
        """The object as it is, and was."""
        life = self._lives[track]
        return Portrait(
            track=track.number,
            label=self._labels[track.label],
            score=track.seen_score,
            box=track.seen_box,
            first=life.first,
            best=life.best,
            zones=zones,
            stationary=track.still,
        )


def _moment(track: Track, at_ns: int) -> Moment:
    return Moment(at_ns, track.seen_score, track.seen_box)
