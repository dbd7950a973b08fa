"""Threads that come after cameras and detector."""

from __future__ import annotations

import os
from contextlib import suppress

NICE = 10


def be_nice() -> None:
    """Lower the priority of the calling thread; a sandbox may forbid even that, and then it runs
    like the others.
    """
    with suppress(PermissionError):
        os.nice(NICE)  # of the thread alone, in Linux
