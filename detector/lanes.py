"""Parts of a batch side by side, each on a core of its own, for machines with few cores.

Spreading one operation over two cores means waiting for the other core hundreds of times in a run
of a network; where cores are few, that takes about as long as the second core saves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

FEW_CORES = 4
Answer = TypeVar("Answer")


def available_cores() -> int:
    return len(os.sched_getaffinity(0))


class Lanes:
    """`count` threads in all, the caller's among them; the others are started when needed."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._others = ThreadPoolExecutor(max(1, count - 1), thread_name_prefix="lane")

    def run(self, answer: Callable[..., Answer], *batches: npt.NDArray[Any]) -> list[Answer]:
        """`answer` to every part of the batches, in order. Raises what the first that failed did,
        after all have ended.
        """
        count = min(self._count, len(batches[0]))
        first, *others = zip(*(np.array_split(batch, count) for batch in batches), strict=True)
        waiting = [self._others.submit(answer, *part) for part in others]
        try:
            own = answer(*first)
        finally:
            wait(waiting)
        return [own, *(future.result() for future in waiting)]
