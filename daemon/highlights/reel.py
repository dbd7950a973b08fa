"""One camera's objects and the pictures in which they were seen best. Pure; guarded by whoever
owns it.

A picture is held as long as it is the best one of some object, confirmed or not. So there are no
more than objects, and few change: a better one must be better by `tracking.lives.FINER`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from daemon.seats.sight import Sight
from sinks.messages import DetectionMessage, EventMessage, Moment, rounded_box

MOST_ENDED = 32  # objects that are gone and still asked for
AGAIN_S = 1.0  # between two pictures of one object that listeners are given


@dataclass(slots=True, eq=False)
class Held:
    """A picture; `developed` once the decoder's memory was given back."""

    sight: Sight
    message: DetectionMessage
    came_s: float
    developed: bool = False
    size: int = 0  # bytes, once developed


@dataclass(slots=True, eq=False)
class Subject:
    """A confirmed object, and what listeners were told of it."""

    id: str
    track: int
    label: str
    best: Moment
    began_s: float
    ended_s: float = math.inf
    told_ns: int = 0  # the picture that they were given last
    told_s: float = -math.inf
    told_end: bool = False

    @property
    def ended(self) -> bool:
        return self.ended_s < math.inf


@dataclass(slots=True)
class Reel:
    """`look` with every answer, then `tell` for each event of it."""

    camera: str
    pictures: dict[int, Held] = field(default_factory=dict)  # by captured_ns
    subjects: dict[int, Subject] = field(default_factory=dict)  # by track

    def look(
        self,
        sight: Sight,
        message: DetectionMessage,
        moments: Sequence[tuple[int, int]],
        now_s: float,
    ) -> bool:
        """`moments` are the track (0 before it is confirmed) of every object that is there and the
        captured_ns of its best moment. Returns whether the picture is held.
        """
        taken_ns = sight.captured_ns
        wanted = {best_ns for _, best_ns in moments}
        if fresh := taken_ns in wanted:
            self.pictures[taken_ns] = Held(sight, message, now_s)
            for track, best_ns in moments:
                if best_ns == taken_ns and track in self.subjects:
                    self._better(self.subjects[track], sight)
        if len(self.pictures) > fresh:
            wanted.update(subject.best.captured_ns for subject in self.subjects.values())
            for gone in self.pictures.keys() - wanted:
                del self.pictures[gone]
        return fresh

    def tell(self, event: EventMessage, now_s: float) -> bool:
        """Something happened to an object. Returns whether somebody should hear of it soon."""
        if event.event != "object":
            return False
        subject = self.subjects.get(event.track)
        if event.phase == "new":
            subject = Subject(event.id, event.track, event.label, event.best, now_s)
            self.subjects[event.track] = subject
        elif subject is None:  # it began before anybody asked
            return False
        subject.label = event.label
        if event.best.captured_ns in self.pictures:
            subject.best = event.best
        if event.phase == "end":
            subject.ended_s = now_s
            self._bound_ended()
        return event.phase != "update"

    def waiting(self) -> dict[int, Held]:
        """Pictures that are not developed yet, by captured_ns."""
        return {ns: held for ns, held in self.pictures.items() if not held.developed}

    def drop(self, held: Held) -> None:
        """Do without this picture."""
        if self.pictures.get(held.sight.captured_ns) is held:
            del self.pictures[held.sight.captured_ns]

    def due(self, now_s: float) -> Iterator[tuple[Subject, Held]]:
        """Copies of those that listeners should be told of, and their pictures, developed ones
        alone; they count as told from now on.
        """
        for subject in self.subjects.values():
            held = self.pictures.get(subject.best.captured_ns)
            if held is None or not held.developed or subject.told_end:
                continue
            better = subject.told_ns != subject.best.captured_ns
            if subject.ended or (better and now_s - subject.told_s >= AGAIN_S):
                subject.told_ns, subject.told_s = subject.best.captured_ns, now_s
                subject.told_end = subject.ended
                yield replace(subject), held

    def urgent(self) -> set[int]:
        """Pictures, by captured_ns, of objects that are new to listeners, or gone."""
        return {
            subject.best.captured_ns
            for subject in self.subjects.values()
            if not subject.told_ns or (subject.ended and not subject.told_end)
        }

    def forget(self, before_s: float) -> None:
        """Objects that ended before then; their pictures go with the next look."""
        for track in [one.track for one in self.subjects.values() if one.ended_s < before_s]:
            del self.subjects[track]

    def _better(self, subject: Subject, sight: Sight) -> None:
        for n, lasting in enumerate(sight.objects):
            if lasting is not None and lasting.track == subject.track:
                found = sight.detections
                box = rounded_box(found.xyxy_px[n].tolist())
                score = round(float(found.score[n]), 4)
                subject.best = Moment(sight.captured_ns, score, box)

    def _bound_ended(self) -> None:
        ended = [subject for subject in self.subjects.values() if subject.ended]
        if len(ended) > MOST_ENDED:
            del self.subjects[min(ended, key=lambda one: one.ended_s).track]
