"""Boxes as a detector would find them, and a tracker that is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from config.zones import LineConfig, TrackingConfig, ZoneConfig
from daemon.tracking.happenings import Happening
from daemon.tracking.tracker import Step, Tracker
from daemon.tracking.tuning import Tuning
from daemon.tracking.watcher import Account, Watcher
from detector.detections import Detections

LABELS = ("person", "car", "truck", "dog")
SIZE = (1280, 720)
Box = tuple[float, float, float, float]


def found(*boxes: Box, score: float | Sequence[float] = 0.8, label: str = "person") -> Detections:
    """In the order given."""
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.broadcast_to(np.float32(score), count).astype(np.float32),
        np.full(count, LABELS.index(label), np.int32),
    )


def standing(x: float, y: float = 400.0, *, width: float = 40.0, height: float = 100.0) -> Box:
    """A box whose feet are there."""
    return (x - width / 2, y - height, x + width / 2, y)


class Followed:
    """A tracker, told of one picture after another."""

    def __init__(self, tuning: Tuning | None = None, *, strong_from: float = 0.4) -> None:
        self.tracker = Tracker(LABELS, tuning or Tuning())
        self._strong_from = strong_from

    def see(self, detections: Detections, at_s: float) -> list[int]:
        """The number of each box's object; 0 where there is none yet."""
        return numbers_of(self.step(detections, at_s))

    def step(self, detections: Detections, at_s: float) -> Step:
        strong = detections.score >= self._strong_from
        return self.tracker.update(detections, strong, at_s, size_wh=SIZE)


def numbers_of(step: Step) -> list[int]:
    """Of each box's object; 0 where there is none yet."""
    return [track.number if track else 0 for track in step.tracks]


class Watching:
    """A watcher of one scene, told of one picture after another; keeps all that happened."""

    def __init__(
        self,
        *,
        zones: Mapping[str, dict[str, Any]] | None = None,
        lines: Mapping[str, dict[str, Any]] | None = None,
        tracking: Mapping[str, Any] | None = None,
    ) -> None:
        self.watcher = Watcher(
            LABELS,
            TrackingConfig(**(tracking or {})),
            {name: ZoneConfig(**zone) for name, zone in (zones or {}).items()},
            {name: LineConfig(**line) for name, line in (lines or {}).items()},
        )
        self.happened: list[Happening] = []

    def see(self, detections: Detections, at_s: float, *, size: tuple[int, int] = SIZE) -> Account:
        """The wall clock began 1000 s before the monotonic one."""
        account = self.watcher.look(
            detections,
            detections.score >= 0.4,
            at_s=at_s,
            at_ns=round((1000 + at_s) * 1e9),
            size=size,
        )
        self.happened += account.happenings
        return account

    def story(self, *events: str) -> list[str]:
        """As in `1 entered yard`, of these events or of all."""
        return [
            " ".join(
                filter(None, (str(one.of.track), one.phase, one.place or "", one.direction or ""))
            )
            for one in self.happened
            if not events or one.event in events
        ]
