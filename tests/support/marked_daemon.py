"""`vedette run` with a detector that finds the red corner of `tests.support.marked`."""

from __future__ import annotations

import sys
from pathlib import Path

from daemon import signals

signals.block()  # before NumPy starts threads of its own, which would take them

from config.loader import load  # noqa: E402
from daemon import log  # noqa: E402
from daemon.clock import SystemClock  # noqa: E402
from daemon.service import serve  # noqa: E402
from tests.support.marked import RedFinder  # noqa: E402

if __name__ == "__main__":
    loaded = load(Path(sys.argv[1]))
    log.configure(loaded.config.log.level, loaded.config.log.format)
    code = serve(loaded, lambda spec: RedFinder(spec.max_batch), SystemClock(), summary_s=None)
    raise SystemExit(code)
