"""Objects in a video that is read from a file: who is who, as the daemon would say it, and in the
format of the MOT challenge (motchallenge.net) with the benefit of hindsight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from config.camera import CameraConfig
from daemon.seats.rules import CameraRules
from daemon.tracking.boxes import coverage
from daemon.tracking.families import families
from daemon.tracking.tracker import Tracker
from daemon.tracking.tracks import Track
from daemon.tracking.tuning import Tuning
from daemon.tracking.watcher import BoolArray
from detector.detections import Detections

SHADOWED = 0.7  # a weak box that lies so far in a better one is no sight of its own object


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file: frames and objects count from 1; pixels."""

    frame: int
    track: int
    box: tuple[float, float, float, float]  # x1, y1, x2, y2
    score: float

    def __str__(self) -> str:
        x1, y1, x2, y2 = self.box
        size = f"{x2 - x1:.2f},{y2 - y1:.2f}"
        return f"{self.frame},{self.track},{x1:.2f},{y1:.2f},{size},{self.score:.4f},-1,-1,-1"


class Following:
    """`look` at every answer in order. An object's pictures from before it was confirmed are its
    own as well, which only hindsight knows: they are in `rows`, not in what `look` returns.
    """

    def __init__(
        self,
        labels: tuple[str, ...],
        thresholds: tuple[float, ...],
        *,
        score_threshold: float | None,
    ) -> None:
        usual = CameraConfig(url="synthetic://offline")
        rules = CameraRules(usual, score_threshold=score_threshold)
        self._rules = rules.of(labels, thresholds)
        self._families = families(labels)
        self._tracker = Tracker(labels, Tuning())
        self._seen: list[tuple[int, Row]] = []  # by the order of the object
        self._numbers: dict[int, int] = {}

    def look(
        self, found: Detections, *, frame: int, at_s: float, size: tuple[int, int]
    ) -> tuple[Detections, list[int | None]]:
        """What is reported of the answer, and the number of each box's object."""
        found, certain = self._rules.sift(found, size)
        step = self._tracker.update(found, certain, at_s, size_wh=size)
        self._remember(found, certain, step.tracks, frame)
        numbers = [(track and track.number) or None for track in step.tracks]
        kept = zip(numbers, certain.tolist(), strict=True)
        return found.where(certain), [number for number, keep in kept if keep]

    def rows(self) -> list[Row]:
        """All of confirmed objects, by frame."""
        numbers = self._numbers
        return [
            Row(row.frame, numbers[key], row.box, row.score)
            for key, row in self._seen
            if key in numbers
        ]

    def _remember(
        self, found: Detections, certain: BoolArray, tracks: Sequence[Track | None], frame: int
    ) -> None:
        worth = certain | ~self._shadowed(found)
        for n in np.flatnonzero(worth).tolist():
            track = tracks[n]
            if track is None:
                continue
            if track.number:
                self._numbers[track.order] = track.number
            x1, y1, x2, y2 = found.xyxy_px[n].tolist()
            row = Row(frame, 0, (x1, y1, x2, y2), float(found.score[n]))
            self._seen.append((track.order, row))

    def _shadowed(self, found: Detections) -> BoolArray:
        """Which boxes [N] lie in a better one of their family; the best one comes first."""
        inside = coverage(found.xyxy_px, found.xyxy_px) > SHADOWED
        of = self._families[found.class_id]
        inside = inside & (of[:, None] == of[None, :]) & np.tri(len(found), k=-1, dtype=np.bool_)
        shadowed: BoolArray = inside.any(axis=1)
        return shadowed


def write_mot(path: Path, rows: Sequence[Row]) -> None:
    """Raises OSError."""
    path.write_text("".join(f"{row}\n" for row in rows), encoding="ascii")
