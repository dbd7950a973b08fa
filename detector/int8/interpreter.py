"""One LiteRT interpreter of our model: an int8 picture in, raw outputs out.

It is given bytes that `flat` has just written, never a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from detector.api import InferenceError
from detector.startup import quiet_start

_OUT_OF_MEMORY = ("memory", "alloc")


class NetworkRun:
    """For one thread at a time; `threads` of its own share the work inside an operation."""

    def __init__(self, model: bytes, inputs: int, outputs: Sequence[int], *, threads: int) -> None:
        with _told_apart(), quiet_start():
            self._interpreter = Interpreter(model_content=model, num_threads=threads)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.tensor(inputs)
        self._outputs = [self._interpreter.tensor(number) for number in outputs]

    def __call__(self, write: Callable[[npt.NDArray[Any]], None]) -> list[npt.NDArray[Any]]:
        """`write` fills the input [H, W, 3] where the network reads it. The outputs [H, W, n] are
        the network's own memory: gone with the next run, and in the way of it while they are held.
        Raises InferenceError.
        """
        write(self._input()[0])
        with _told_apart():
            self._interpreter.invoke()
        return [output()[0] for output in self._outputs]


class _told_apart:  # noqa: N801 - reads as a function
    """LiteRT's failures as InferenceError, with what can be said of their reason."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, MemoryError):
            raise InferenceError("oom", "no memory for the network") from error
        if isinstance(error, RuntimeError | ValueError):
            line = (str(error) or type(error).__name__).strip().splitlines()[0]
            full = any(word in line.lower() for word in _OUT_OF_MEMORY)
            raise InferenceError("oom" if full else "runtime", line) from error
