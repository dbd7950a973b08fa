"""One line every so often that tells how the daemon does: for people at a terminal."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from daemon.books.accounting import ON_PURPOSE, Page, total
from daemon.books.reports import Reporter
from daemon.clock import Clock
from daemon.seats.sight import Sights
from sinks.messages import Kind

_CLOCK_COLUMNS = 9  # what `daemon.log.TerminalFormatter` puts before a line

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reading:
    at_s: float
    pages: dict[str, Page]
    published: int


class Summary:
    """`tick` it at least as often as `every_s`; logs rates since the line before. Main thread."""

    def __init__(
        self,
        reporter: Reporter,
        sights: Sights,
        clock: Clock,
        *,
        every_s: float | None,
        columns: Callable[[], int] | None = None,
    ) -> None:
        """`columns` is the width of the terminal that a person reads, None where it is a log."""
        self._reporter = reporter
        self._sights = sights
        self._clock = clock
        self._every_s = every_s
        self._columns = columns
        self._last: _Reading | None = None

    def tick(self) -> None:
        """Log a line if it is time for one and the daemon is ready."""
        if self._every_s is None or not self._reporter.readiness().ready:
            return
        now = self._read()
        if self._last is None:
            self._last = now
            return
        # Ticks come a little early or late; half a second of slack keeps one line per interval.
        if now.at_s - self._last.at_s < self._every_s - 0.5:
            return
        log.info("%s", self._line(self._last, now))
        self._last = now

    def _read(self) -> _Reading:
        published = sum(s.counts.published[Kind.DETECTION] for s in self._reporter.sinks()[:1])
        pages = {camera.status.camera: camera.page for camera in self._reporter.cameras()}
        return _Reading(self._clock.now_s(), pages, published)

    def _line(self, before: _Reading, now: _Reading) -> str:
        cameras = self._reporter.cameras()
        states = [camera.status.state for camera in cameras]
        up = f"{sum(s.is_up for s in states)}/{sum(s.is_wanted for s in states)}"
        seconds = now.at_s - before.at_s
        then = total(page for name, page in before.pages.items() if name in now.pages)
        here = total(now.pages.values())
        more = {reason: n - then.dropped[reason] for reason, n in here.dropped.items()}
        left_out = sum(more.pop(reason) for reason in ON_PURPOSE)
        rates = {
            "captured": here.captured - then.captured,
            "inferred": here.inferred - then.inferred,
            "left_out": left_out,
            "dropped": sum(more.values()),
            "published": now.published - before.published,
        }
        per_s = {name: count / seconds for name, count in rates.items()}
        if self._columns is not None:
            return _fitted(self._in_view(", ", " "), up, per_s, self._columns() - _CLOCK_COLUMNS)
        text = " ".join(f"{name}={rate:.1f}/s" for name, rate in per_s.items())
        return f"cameras={up} {text} in_view={self._in_view(',', ':')}"

    def _in_view(self, between: str, colon: str) -> str:
        """What the newest pictures of all cameras show, as in `person:4,car:1`."""
        sights = (self._sights.latest(c.status.camera) for c in self._reporter.cameras())
        counts = Counter(
            sight.labels[class_id]
            for sight in sights
            if sight
            for class_id in sight.detections.class_id.tolist()
        )
        told = (f"{label}{colon}{count}" for label, count in counts.most_common())
        return between.join(told) or "nothing"


def _fitted(in_view: str, up: str, per_s: Mapping[str, float], columns: int) -> str:
    """What is seen first, then as many numbers as the line has room for."""
    line = f"{in_view[:34]:<34}"
    numbers = [
        f"cameras {up}",
        f"answered {per_s['inferred']:.1f}/s",
        *(f"{name} {per_s[name]:.1f}/s" for name in ("dropped", "captured", "published")),
    ]
    for number in numbers:
        if len(line) + 2 + len(number) > columns:
            break
        line += f"  {number}"
    return line
