"""Row 10b: a camera that sends without end what makes no picture."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.fault.case import Case, Row
from tests.fault.stage import OTHERS, Footprint, Stage, four_cameras
from tests.support.floods import FLOODS, flood

MOST_MB = 200.0


def camera_floods(case: Case) -> None:
    """Every kind for some seconds: the camera comes back, and is lost again and again."""
    kinds = list(FLOODS) if case.long else ["delimiters", "aggregates", "a picture without end"]
    with four_cameras(case) as (staged, camera):
        quiet = staged.quiet(10.0 if case.long else 3.0)
        quiet_ms = staged.p99_ms(OTHERS, quiet)
        before_mb = Footprint.of(staged.pid).rss_mb
        began_s = time.monotonic()
        with highest_rss(staged) as peak_mb:
            for kind in kinds:
                camera.stop()
                camera.media = partial(flood, kind)
                flooded_s = time.monotonic()
                camera.start()
                staged.wait(lambda at_s=flooded_s: flooded(staged, at_s), what=f"loss by {kind}")
                time.sleep(4.0 if case.long else 0.5)
        span = (began_s, time.monotonic())
        case.note("kinds of floods", len(kinds), "")
        case.at_most("RSS more, at the highest", max(peak_mb) - before_mb, MOST_MB, "MB")
        case.slower("others: p99", staged.p99_ms(OTHERS, span), quiet_ms, 1.5)
        staged.untouched(OTHERS, *span)
        camera.stop()
        camera.media = None
        camera.start()
        staged.steady(["faulty"])


def flooded(staged: Stage, from_s: float) -> bool:
    """Whether the camera was lost for that reason since then."""
    return any(
        at_s > from_s and status.reason == "flood"
        for at_s, status in list(staged.heard.statuses["faulty"])
    )


@contextmanager
def highest_rss(staged: Stage) -> Iterator[list[float]]:
    """Looks twenty times a second."""
    seen: list[float] = [0.0]
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            seen.append(Footprint.of(staged.pid).rss_mb)

    looker = threading.Thread(target=look, name="looker")
    looker.start()
    try:
        yield seen
    finally:
        over.set()
        looker.join()


ROWS = (
    Row(
        "10b",
        "one camera sends without end what makes no picture, 12 MB/s",
        "lost as flood, ≤ 200 MB; the others do not notice",
        camera_floods,
    ),
)
