"""A gate tried on pictures of which all answers are known: what it saves, and what it misses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from config.camera import DetectConfig
from daemon.capture.gate import ChangeGate, Why
from daemon.capture.sweep import Sweep
from daemon.pipeline.merging import iou
from daemon.seats.view import View
from daemon.tracking.happenings import Counts, Happening
from daemon.tracking.watch import Seen
from daemon.tracking.watcher import is_news
from detector.detections import Detections
from detector.letterbox import Rect

if TYPE_CHECKING:
    from daemon.offline.rehearsal import Onlooker
    from daemon.offline.shots import Shot

SAME_IOU = 0.5
_EVENTS = frozenset(["new", "entered", "left", "loitering", "crossed"])  # of which none may lack
Boxes = np.ndarray


@dataclass(slots=True)
class Savings:
    """`rows` are those of all pictures, `run` those that the gate let through. `looks` were taken
    although nothing had changed, `news` of them showed something new: `gate_missed` of the metrics;
    `overlooked` pictures that were left out would have done so as well.
    """

    pictures: int = 0
    left_out: int = 0
    rows: int = 0
    run: int = 0
    looks: int = 0
    news: int = 0
    overlooked: int = 0


class GateTrial:
    """One camera's gate, and whoever sees what it lets through. Every answer is there before the
    next picture comes.
    """

    def __init__(self, detect: DetectConfig, onlooker: Onlooker) -> None:
        self.savings = Savings()
        self.comparison = Comparison()
        self._view = View.of(detect)
        self._gate = ChangeGate(detect.gate)
        self._sweep = Sweep()
        self._onlooker = onlooker
        self._boxes = self._still = np.zeros((0, 4), np.float32)  # of the newest answer

    def look(
        self,
        shot: Shot,
        plain: Seen,
        parts: Sequence[Rect | None],
        looked_at: Callable[[Sequence[Rect | None]], Detections],
    ) -> Sequence[Happening]:
        """What is told of this picture, of which `plain` says what all of it shows, and `looked_at`
        what some of its parts do.
        """
        savings, at_s = self.savings, shot.pts_s or 0.0
        savings.pictures += 1
        savings.rows += len(parts)
        why = self._judged(shot, at_s)
        if why is Why.STILL:
            savings.left_out += 1
            savings.overlooked += _shows_more(plain.found.xyxy_px, self._still)
            told = self._onlooker.pass_time(at_s)
            self.comparison.told(plain.happenings, told)
            return told
        worth = self._sweep.worth(
            parts, why, gate=self._gate, tiles=self._view.tiles, wh=shot.wh, boxes=self._boxes,
            now_s=at_s,
        )  # fmt: skip
        savings.run += len(worth)
        gated = self._onlooker.look(looked_at(worth), shot.wh, at_s)
        if why.was_closed:
            savings.looks += 1
            savings.news += is_news(gated.objects)
        self._boxes = gated.found.xyxy_px
        rests = [known is not None and known.stationary for known in gated.objects]
        self._still = self._boxes[np.array(rests, np.bool_)]
        self.comparison.meet(plain, gated)
        self.comparison.told(plain.happenings, gated.happenings)
        return gated.happenings

    def end(self, plain: Iterable[Happening]) -> tuple[Iterable[Happening], Counts | None]:
        """The video ends; `plain` happened without the gate."""
        told, counts = self._onlooker.end()
        self.comparison.told(plain, told)
        return told, counts

    def _judged(self, shot: Shot, at_s: float) -> Why:
        if shot.luma is None:
            raise ValueError("a gate needs grey pictures")
        alive, region = self._onlooker.is_restless, self._view.region
        return self._gate.judge(shot.luma, at_s, alive=alive, region=region)


@dataclass(slots=True)
class Comparison:
    """Events of one video without a gate and with it: which are the same."""

    _plain: list[Happening] = field(default_factory=list)
    _gated: list[Happening] = field(default_factory=list)
    _known_as: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def meet(self, plain: Seen, gated: Seen) -> None:
        """One picture, seen by both: the objects with the same box are the same."""
        ours = [known.track if known else 0 for known in plain.objects]
        theirs = [known.track if known else 0 for known in gated.objects]
        alike = iou(plain.found.xyxy_px, gated.found.xyxy_px) >= SAME_IOU
        for mine, same in zip(ours, alike, strict=True):
            if mine:
                self._known_as[mine].update(set(compress(theirs, same)) - {0})

    def told(self, plain: Iterable[Happening], gated: Iterable[Happening]) -> None:
        """What happened meanwhile."""
        at_its_end = "interrupted"  # the video's: nothing happened
        self._plain += [p for p in plain if p.phase in _EVENTS and p.reason != at_its_end]
        self._gated += [each for each in gated if each.phase in _EVENTS]

    @property
    def events(self) -> int:
        """That were told without the gate."""
        return len(self._plain)

    def missed(self) -> list[Happening]:
        """What only was told without the gate."""
        return [each for each, late_s in self._pairs() if late_s is None]

    def latest_s(self) -> float:
        """By how much an event was told later because of the gate, at most."""
        return max((late_s for _, late_s in self._pairs() if late_s is not None), default=0.0)

    def _pairs(self) -> list[tuple[Happening, float | None]]:
        """Every event without the gate, and how much later it was told with it; None for never. An
        object that was known as two without the gate may be one with it.
        """
        left, pairs = list(self._gated), []
        for event in self._plain:
            same = [each for each in left if self._is_same(event, each)]
            late_s = None
            if same:
                late_s = max(0.0, (same[0].at_ns - event.at_ns) / 1e9)
                if event.phase != "new":
                    left.remove(same[0])
            pairs.append((event, late_s))
        return pairs

    def _is_same(self, plain: Happening, gated: Happening) -> bool:
        return (
            gated.of.track in self._known_as.get(plain.of.track, ())
            and (plain.phase, plain.place, plain.direction)
            == (gated.phase, gated.place, gated.direction)
        )  # fmt: skip


def _shows_more(boxes: Boxes, known: Boxes) -> bool:
    """Whether there is a box that is none of those that are known."""
    return bool(len(boxes)) and bool((iou(boxes, known).max(axis=1, initial=0.0) < SAME_IOU).any())
