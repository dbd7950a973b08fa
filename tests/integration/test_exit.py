"""The process ends in time, whatever one of its threads waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

STUCK = """
import sys, threading
from daemon.service import EXIT_S, _exit_within
threading.Thread(target=lambda: open(sys.argv[1])).start()
_exit_within(EXIT_S, 3)
print("stopped", flush=True)
sys.exit(3)
"""


def test_a_worker_that_waits_for_a_disk_for_ever_does_not_hold_up_the_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "disk")
    command = [sys.executable, "-c", STUCK, str(tmp_path / "disk")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stopped\n"
        stopped_s = time.monotonic()
        assert process.wait(10) == 3
        assert time.monotonic() - stopped_s < 2.0
