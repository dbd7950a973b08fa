"""Waiting for what other threads do, for no longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 5.0


def until(condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
    """Return once `condition` holds; fail the test if it does not come to hold in time."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "did not come true in time"
        time.sleep(0.001)
