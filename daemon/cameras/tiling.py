"""How many rows each frame of a camera with `tiles: auto` may have: what the accelerator has left.

The detector's speed is what its runs of late say, so a machine that is busy otherwise gets fewer
tiles, and until the first runs there are none. Main thread.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass

from daemon.books.accounting import Drop
from daemon.clock import Clock
from daemon.seats.seat import Seat

log = logging.getLogger(__name__)

LOOK_S = 5.0
SPARE = 0.1  # of the accelerator, that tiles leave alone in any case
PATIENCE = 12  # looks in a row that allow more, before there is more: a minute
WORTH = 1.25  # times as many rows: fewer more are not worth another layout


@dataclass(frozen=True, slots=True)
class Demand:
    """A camera's frames per second, and rows of each: 1, or those of tiles that it was given."""

    fps: float
    rows: int = 1
    is_auto: bool = False


def allowance(
    demands: Collection[Demand], *, rows_per_s: float, max_share: float, most_rows: int
) -> int:
    """Rows of a frame with `tiles: auto`, the same for all of these: at least 1, at most
    `most_rows`. Pure.
    """
    auto_fps = sum(demand.fps for demand in demands if demand.is_auto)
    asked = sum(demand.fps * (1 if demand.is_auto else demand.rows) for demand in demands)
    left = min(max_share * rows_per_s, (1 - SPARE) * rows_per_s - asked)
    if auto_fps <= 0 or left <= 0:
        return 1
    return min(most_rows, 1 + int(left / auto_fps))


class TileBudget:
    """`tick` once a second; what it allows stands in `Seat.most_rows`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_s = float("-inf")
        self._allowed = 1
        self._more = 0  # looks in a row that allowed more
        self._overwritten = 0  # frames of these cameras that the detector was too late for

    def use(self, seats: Collection[Seat], most_rows: int) -> None:
        """These cameras, and a detector that takes so many rows at once."""
        self._next_s = float("-inf")
        self._allowed = min(self._allowed, most_rows)
        for seat in seats:
            seat.most_rows = self._allowed if seat.view.is_auto else most_rows

    def tick(
        self, seats: Collection[Seat], *, rows_per_s: float | None, max_share: float, most_rows: int
    ) -> None:
        """Look at what the detector does, `rows_per_s` if it was busy, None if nothing is known."""
        now_s = self._clock.now_s()
        seats = [seat for seat in seats if seat.config.enabled and not seat.paused]
        auto = [seat for seat in seats if seat.view.is_auto]
        if not auto or rows_per_s is None or now_s < self._next_s:
            return
        self._next_s = now_s + LOOK_S
        rows = allowance(
            [_demand(seat) for seat in seats],
            rows_per_s=rows_per_s,
            max_share=max_share,
            most_rows=most_rows,
        )
        if not self._agrees(rows, in_time=self._in_time(seats)):
            return
        log.info(
            "rows of a picture with tiles: auto rows=%d was=%d rows_per_s=%.0f max_share=%.2f"
            " cameras=%s",
            rows, self._allowed, rows_per_s, max_share, ",".join(seat.name for seat in auto),
        )  # fmt: skip
        self._allowed = rows
        for seat in auto:
            seat.most_rows = rows

    def _in_time(self, seats: Collection[Seat]) -> bool:
        """Whether the detector has kept up since the last look, whatever its pace promises."""
        before = self._overwritten
        pages = [seat.ledger.page() for seat in seats]
        self._overwritten = sum(page.dropped[Drop.OVERWRITTEN] for page in pages)
        return self._overwritten <= before  # fewer: a camera left

    def _agrees(self, rows: int, *, in_time: bool) -> bool:
        """Fewer at once; more only if that lasts, is worth it and no frame comes too late
        meanwhile, so that tiles stay in place.
        """
        if rows <= self._allowed:
            self._more = 0
            return rows < self._allowed
        if not in_time:
            self._more = 0
            return False
        self._more += 1
        if self._allowed > 1 and (self._more < PATIENCE or rows < WORTH * self._allowed):
            return False
        self._more = 0
        return True


def _demand(seat: Seat) -> Demand:
    sight = seat.sight
    rows = len(sight.parts) if sight else 1
    return Demand(seat.config.detect.fps, max(1, rows), seat.view.is_auto)
