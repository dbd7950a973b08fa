"""The last ten minutes of every camera, a point every five seconds. HTTP thread only.

Kept by the daemon and not by the page, so that whoever comes to look sees what was before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from daemon.books.accounting import ON_PURPOSE, Page

STEP_S = 5.0
POINTS = 120
_JITTER_S = 0.5  # of the samples, which come about once a second


@dataclass(frozen=True, slots=True)
class Reading:
    """A camera at one moment; `latency_ms` is its newest picture's, None before the first."""

    page: Page
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """One step: frames per second, and the latency at its end, None where nothing was answered."""

    captured_fps: float
    inferred_fps: float
    lost_fps: float
    latency_ms: float | None

    @classmethod
    def between(cls, first: Reading, last: Reading, took_s: float) -> Point:
        inferred = last.page.inferred - first.page.inferred
        return cls(
            captured_fps=(last.page.captured - first.page.captured) / took_s,
            inferred_fps=inferred / took_s,
            lost_fps=(lost(last.page) - lost(first.page)) / took_s,
            latency_ms=last.latency_ms if inferred else None,
        )


def lost(page: Page) -> int:
    """Frames that were to be answered and were not: the rest is left out on purpose."""
    return sum(n for reason, n in page.dropped.items() if reason not in ON_PURPOSE)


class History:
    """Feed it about once a second."""

    def __init__(self) -> None:
        self._points: dict[str, deque[Point]] = {}
        self._began_s = 0.0  # of the step that runs
        self._before: Mapping[str, Reading] | None = None

    def sample(self, now_s: float, readings: Mapping[str, Reading]) -> None:
        """Take note; a camera that is not among the readings any more is forgotten."""
        took_s = now_s - self._began_s
        if self._before is not None:
            if took_s < STEP_S - _JITTER_S:
                return
            self._points = {
                camera: self._points.get(camera, deque(maxlen=POINTS)) for camera in readings
            }
            for camera, last in readings.items():
                if camera in self._before:
                    point = Point.between(self._before[camera], last, took_s)
                    self._points[camera].append(point)
        self._began_s, self._before = now_s, readings

    def points(self, camera: str) -> list[Point]:
        """Oldest first; empty for a camera that is new or unknown."""
        return list(self._points.get(camera, ()))
