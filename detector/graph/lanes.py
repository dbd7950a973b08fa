"""Parts of a batch side by side, each on a core of its own, for machines with few cores.

Spreading one operation over two cores means waiting for the other core hundreds of times in a run
of a network; where cores are few, that takes about as long as the second core saves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

FEW_CORES = 4
Answer = TypeVar("Answer")


def available_cores() -> int:
    return len(os.sched_getaffinity(0))


@cache
def _threads() -> ThreadPoolExecutor:
    """Those of the process, started when needed: a detector that takes over from another one finds
    them running. Enough for two detectors at a time, as there are while a new one is warmed up.
    """
    return ThreadPoolExecutor(2 * (FEW_CORES - 1), thread_name_prefix="lane")


class Lanes:
    """`count` threads in all, up to `FEW_CORES`, the caller's among them."""

    def __init__(self, count: int) -> None:
        self._count = count

    def run(self, answer: Callable[..., Answer], *batches: npt.NDArray[Any]) -> list[Answer]:
        """`answer` to every part of the batches, in order. Raises what the first that failed did,
        after all have ended.
        """
        count = min(self._count, len(batches[0]))
        first, *others = zip(*(np.array_split(batch, count) for batch in batches), strict=True)
        waiting = [_threads().submit(answer, *part) for part in others]
        try:
            own = answer(*first)
        finally:
            wait(waiting)
        return [own, *(future.result() for future in waiting)]
