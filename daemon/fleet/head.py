"""Whether the head that answers is the one that this server joined, and the end if it is not.

A head that lost its store is another cluster to Ray. Servers of the old one can never belong to it:
their raylets would wait for the old head, with shards and daemons that nobody can find any more. So
such a server ends its raylet, and with it everything of the old cluster; its unit starts a new one,
which joins the new head.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LOOK_S = 2.0  # between two looks at the head, while the Director is away
RAYLET = "raylet"  # what the kernel calls Ray's process of a server


class HeadWatch:
    """`joined` is the cluster that this server is part of; `ask` gives that of the head which
    answers now, None where none does, and may take some seconds. One thread.
    """

    def __init__(self, joined: str, ask: Callable[[], str | None]) -> None:
        self._joined = joined
        self._ask = ask

    def replaced(self) -> bool:
        """Whether another head has taken the place of ours."""
        found = self._ask()
        return found is not None and found != self._joined


def end_raylet(pid: int) -> bool:
    """End the raylet with this number; False, and nothing is done, where that is no raylet.

    By force, as `ray start --block` takes a raylet that ends in order for one that was asked to,
    and waits on: only one that was killed ends the unit, which is then started again.
    """
    try:
        is_raylet = f"({RAYLET}) " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    if is_raylet:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return is_raylet
