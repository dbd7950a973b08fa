"""Which answers of a camera are recorded. Pure; results thread."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum, auto

from config.camera import RecordConfig
from sinks.messages import Detection

CLIP_FPS = 10.0  # of a clip, at most
_EARLY = 0.9  # of a period: pictures do not come to the microsecond


class Interest(Enum):
    """What an answer is recorded for."""

    EVENT = auto()  # a new recording begins with it
    PASSING = auto()  # it may become part of a clip


class Selector:
    """One camera's. While a clip is made of one event no other begins."""

    def __init__(self, config: RecordConfig) -> None:
        self.config = config
        after_s = config.clip.after_s if config.clips else 0.0
        self._rest_s = max(config.min_interval_s, after_s)
        self._rested_s = -math.inf
        self._filmed_s = -math.inf

    def look(self, detections: Iterable[Detection], captured_s: float) -> Interest | None:
        """None where it is not recorded at all."""
        config = self.config
        if captured_s >= self._rested_s and any(map(self._is_worth_it, detections)):
            self._rested_s = captured_s + self._rest_s
            self._filmed_s = captured_s
            return Interest.EVENT
        if config.clips and captured_s - self._filmed_s >= _EARLY / CLIP_FPS:
            self._filmed_s = captured_s
            return Interest.PASSING
        return None

    def _is_worth_it(self, found: Detection) -> bool:
        on = self.config.on
        return found.score >= self.config.min_score and (on is None or found.label in on)
