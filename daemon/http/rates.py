"""Frames per second over the last seconds, from counters that only rise. HTTP thread only."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from daemon.books.accounting import Page

WINDOW_S = 5.0


@dataclass(frozen=True, slots=True)
class Fps:
    """What came in and what was answered, per second."""

    captured: float
    inferred: float


class FpsMeter:
    """Remembers the books of the last `WINDOW_S`; feed it about once a second."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Mapping[str, Page]]] = deque()

    def sample(self, now_s: float, pages: Mapping[str, Page]) -> None:
        self._samples.append((now_s, pages))
        while len(self._samples) > 2 and self._samples[1][0] <= now_s - WINDOW_S:
            self._samples.popleft()

    def fps(self, camera: str) -> Fps | None:
        """None until the camera was seen in two samples."""
        seen = [(at_s, pages[camera]) for at_s, pages in list(self._samples) if camera in pages]
        if len(seen) < 2 or seen[0][0] == seen[-1][0]:
            return None
        (first_s, first), (last_s, last) = seen[0], seen[-1]
        took_s = last_s - first_s
        return Fps(
            (last.captured - first.captured) / took_s, (last.inferred - first.inferred) / took_s
        )
