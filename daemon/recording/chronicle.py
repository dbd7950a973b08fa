"""The lives of one camera's objects that are recorded at the moment. Recorder's thread.

The picture of the best moment so far is there soon after an object came; a clearly better one takes
its place under way, the best one in the end. So whatever happens to the daemon, there is a whole
one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from daemon.clock import Clock
from daemon.highlights.cabinet import Best
from daemon.recording.inbox import Moment
from daemon.seats.sight import Sight
from daemon.tracking.happenings import Box
from sinks.messages import DetectionMessage

BETTER = 0.05  # of a score, to be worth writing under way
AGAIN_S = 2.0  # between two pictures of one life; and how long the first is waited for
SETTLED_S = 1.0  # so long after its end an object's last picture has been encoded
MOST = 256  # lives at a time; beyond, the oldest ends


class Write(Protocol):
    """Writes the pictures and the message of a recording; `fresh` where it is the first time, `box`
    that of the object where it is known. Raises OSError.
    """

    def __call__(
        self,
        name: str,
        sight: Sight,
        message: DetectionMessage,
        *,
        fresh: bool = True,
        box: Box | None = None,
    ) -> None: ...


@dataclass(slots=True, eq=False)
class _Story:
    """One life. `first` is written if no better one is to be had."""

    name: str
    id: str
    began_s: float
    first: Moment | None
    written_ns: int = 0
    score: float = 0.0
    ended_s: float = math.inf
    tried_s: float = -math.inf


class Chronicle:
    """`best` finds an object's best moment by its id. What cannot be written raises OSError, and is
    tried again with the next `turn` after `AGAIN_S`.
    """

    def __init__(self, write: Write, best: Callable[[str], Best | None], clock: Clock) -> None:
        self._write = write
        self._best = best
        self._clock = clock
        self._stories: dict[str, _Story] = {}  # by id

    def begin(self, name: str, moment: Moment) -> None:
        """The recording of that name begins with the `life` of the moment."""
        if moment.life is None:
            return
        if len(self._stories) >= MOST:
            self._close(next(iter(self._stories.values())))
        story = _Story(name, moment.life.id, self._clock.now_s(), moment)
        self._stories[story.id] = story

    def name(self, object_id: str) -> str | None:
        """Of the recording of an object."""
        story = self._stories.get(object_id)
        return None if story is None else story.name

    def end(self, object_id: str) -> None:
        """The object is gone."""
        if story := self._stories.get(object_id):
            story.ended_s = min(story.ended_s, self._clock.now_s())

    def turn(self) -> None:
        """Write what is worth it by now; twice a second."""
        now_s = self._clock.now_s()
        for story in list(self._stories.values()):
            if now_s - story.ended_s >= SETTLED_S:
                self._close(story)
            elif now_s - story.tried_s >= AGAIN_S:
                self._look(story, now_s)

    def close(self) -> None:
        """Nothing more is recorded: every life gets the best picture there is."""
        while self._stories:
            try:
                self._close(next(iter(self._stories.values())))
            except OSError:
                if not self._stories:
                    raise

    def _look(self, story: _Story, now_s: float) -> None:
        best = self._best(story.id)
        if best is None:
            if now_s - story.began_s >= AGAIN_S:
                self._write_first(story)
        elif not story.written_ns or (
            best.subject.best.captured_ns != story.written_ns
            and best.subject.best.score >= story.score + BETTER
        ):
            self._write_best(story, best)

    def _close(self, story: _Story) -> None:
        del self._stories[story.id]
        best = self._best(story.id)
        if best is not None:
            if best.subject.best.captured_ns != story.written_ns:
                self._write_best(story, best)
        else:
            self._write_first(story)

    def _write_best(self, story: _Story, best: Best) -> None:
        self._put(story, best.sight, best.message, best.subject.best.box)
        story.score = best.subject.best.score

    def _write_first(self, story: _Story) -> None:
        """Unless a better one was written."""
        if story.first is not None:
            self._put(story, story.first.sight, story.first.message)

    def _put(
        self, story: _Story, sight: Sight, message: DetectionMessage, box: Box | None = None
    ) -> None:
        story.tried_s = self._clock.now_s()
        self._write(story.name, sight, message, fresh=not story.written_ns, box=box)
        story.written_ns, story.first = sight.captured_ns, None
