"""Every Python process that finds this has a wall clock which can be set: by as many seconds as the
file says that VEDETTE_TEST_CLOCK names. Only for tests, and only where PYTHONPATH leads here.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_NAMED = os.environ.get("VEDETTE_TEST_CLOCK")
_LOOK_S = 0.05  # between two looks at the file
_time_ns, _monotonic = time.time_ns, time.monotonic
_looked_s, _ahead_ns = -1.0, 0


def _ahead() -> int:
    global _looked_s, _ahead_ns
    now_s = _monotonic()
    if now_s - _looked_s >= _LOOK_S:
        _looked_s = now_s
        try:
            _ahead_ns = int(float(Path(str(_NAMED)).read_text()) * 1e9)
        except (OSError, ValueError):
            _ahead_ns = 0
    return _ahead_ns


def _set_time_ns() -> int:
    return _time_ns() + _ahead()


def _set_time() -> float:
    return _set_time_ns() / 1e9


if _NAMED:
    time.time_ns, time.time = _set_time_ns, _set_time
