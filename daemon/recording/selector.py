"""Which answers of a camera, or which objects of it, are recorded. Pure; whoever holds the seat."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from msgspec import UNSET

from config.camera import RecordConfig
from sinks.messages import Detection, EventMessage

CLIP_FPS = 10.0  # of a clip, at most
_EARLY = 0.9  # of a period: pictures do not come to the microsecond


class Interest(Enum):
    """What an answer is recorded for."""

    EVENT = auto()  # a new recording begins with it
    PASSING = auto()  # it may become part of a clip


class _Chooser:
    """What is worth a recording, and how often a picture may become part of a clip."""

    def __init__(self, config: RecordConfig) -> None:
        self.config = config
        self._rested_s = -math.inf
        self._filmed_s = -math.inf

    def looks_on(self, captured_s: float) -> bool:
        """Whether an answer may become part of a clip."""
        if not self.config.clips or captured_s - self._filmed_s < _EARLY / CLIP_FPS:
            return False
        self._filmed_s = captured_s
        return True

    def _is_worth_it(self, label: str, score: float) -> bool:
        on = self.config.on
        return score >= self.config.min_score and (on is None or label in on)


class Selector(_Chooser):
    """One camera's, where `per` is interval. While a clip is made of one event no other begins."""

    def __init__(self, config: RecordConfig) -> None:
        super().__init__(config)
        after_s = config.clip.after_s if config.clips else 0.0
        self._rest_s = max(config.min_interval_s, after_s)

    def look(self, detections: Iterable[Detection], captured_s: float) -> Interest | None:
        """None where it is not recorded at all."""
        if captured_s >= self._rested_s and any(
            self._is_worth_it(found.label, found.score) for found in detections
        ):
            self._rested_s = captured_s + self._rest_s
            self._filmed_s = captured_s
            return Interest.EVENT
        return Interest.PASSING if self.looks_on(captured_s) else None


@dataclass(slots=True)
class _Known:
    """An object that is there."""

    id: str
    label: str
    is_recorded: bool = False


class LifeSelector(_Chooser):
    """One camera's, where `per` is object: `look` at every answer, then `tell` each event of it.

    An object that comes sooner than `min_interval_s` after the last one, or is not certain enough,
    waits; its recording begins once it may, if the object is still there.
    """

    def __init__(self, config: RecordConfig) -> None:
        super().__init__(config)
        self._known: dict[int, _Known] = {}  # by track

    def look(self, detections: Iterable[Detection], captured_s: float) -> str | None:
        """The id of an object that waited, and whose recording begins now."""
        if captured_s < self._rested_s:
            return None
        for found in detections:
            known = self._known.get(found.track) if found.track is not UNSET else None
            if known is not None and self._begins(known, found.score, captured_s):
                return known.id
        return None

    def tell(self, event: EventMessage, captured_s: float) -> bool:
        """An event of an object, with the answer of `captured_s` or after it; whether a recording
        of it begins, or where the object ends: whether one was made.
        """
        if event.event != "object":
            return False
        if event.phase == "end":
            known = self._known.pop(event.track, None)
            return known is not None and known.is_recorded
        if event.phase == "new":
            self._known[event.track] = _Known(event.id, event.label)
        known = self._known.get(event.track)
        if known is None:  # it was there before this selector
            return False
        known.label = event.label
        return self._begins(known, event.best.score, captured_s)

    def _begins(self, known: _Known, score: float, captured_s: float) -> bool:
        if known.is_recorded or captured_s < self._rested_s:
            return False
        if not self._is_worth_it(known.label, score):
            return False
        self._rested_s = captured_s + self.config.min_interval_s
        known.is_recorded = True
        return True
