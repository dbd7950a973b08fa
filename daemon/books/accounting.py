"""Every captured frame ends in exactly one fate: the books, one page per camera.

`captured = inferred + Σ dropped(reason) + in flight`, where in flight is what slots, the batch
being assembled and the detector hold. Written by camera threads, the batching and the inference
thread; read by metrics, the API and the tests.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Drop(StrEnum):
    """Why a frame got no answer; the `reason` label of `vedette_frames_dropped_total`."""

    FPS_CAP = "fps_cap"  # more than detect.fps asks for
    GATED = "gated"  # looked at: nothing had changed
    OVERWRITTEN = "overwritten"  # a newer frame came before the detector was free
    STALE = "stale"  # older than max_age_ms when its turn came
    CORRUPT = "corrupt"  # the decoder flagged it as damaged
    PREPROCESS_ERROR = "preprocess_error"  # could not be scaled into the input
    INFER_ERROR = "infer_error"  # the detector raised
    SHUTDOWN = "shutdown"  # still waiting when its camera was stopped


ON_PURPOSE = (Drop.FPS_CAP, Drop.GATED)  # nobody wanted an answer: no loss


@dataclass(frozen=True, slots=True)
class Page:
    """One camera's books at one moment."""

    captured: int
    inferred: int
    dropped: dict[Drop, int]
    in_flight: int

    @property
    def balanced(self) -> bool:
        """The conservation law."""
        return self.captured == self.inferred + sum(self.dropped.values()) + self.in_flight


class Ledger:
    """Counts of one camera. `captured` frames are either dropped at once or put in flight;
    from there they are inferred or dropped. Every method may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured = 0
        self._inferred = 0
        self._in_flight = 0
        self._dropped = dict.fromkeys(Drop, 0)

    def captured_and_dropped(self, reason: Drop, count: int = 1) -> None:
        """Frames that arrived and were never offered to the detector."""
        with self._lock:
            self._captured += count
            self._dropped[reason] += count

    def captured(self) -> None:
        """A frame arrived and is now held by a slot."""
        with self._lock:
            self._captured += 1
            self._in_flight += 1

    def captured_in_place_of(self, reason: Drop) -> None:
        """A frame arrived and took the place of one in flight, which is dropped."""
        with self._lock:
            self._captured += 1
            self._dropped[reason] += 1

    def dropped(self, reason: Drop) -> None:
        """A frame in flight will get no answer."""
        with self._lock:
            self._in_flight -= 1
            self._dropped[reason] += 1

    def inferred(self) -> None:
        """A frame in flight was answered."""
        with self._lock:
            self._in_flight -= 1
            self._inferred += 1

    def page(self) -> Page:
        with self._lock:
            return Page(self._captured, self._inferred, dict(self._dropped), self._in_flight)


def total(pages: Iterable[Page]) -> Page:
    """The books of several cameras added up."""
    pages = list(pages)
    return Page(
        sum(page.captured for page in pages),
        sum(page.inferred for page in pages),
        {reason: sum(page.dropped[reason] for page in pages) for reason in Drop},
        sum(page.in_flight for page in pages),
    )
