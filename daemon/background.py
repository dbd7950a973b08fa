"""A piece of work beside the main thread, which goes on ticking and taking signals meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Starts at once, in a thread of its own. Nothing can interrupt it: not a daemon thread, so
    whoever ends the process early looks at `done` first.
    """

    def __init__(self, name: str, work: Callable[[], T]) -> None:
        self._work = work
        self._value: T | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> T:
        """What the work returned, once it is done; raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set, where nothing was raised

    def _run(self) -> None:
        try:
            self._value = self._work()
        except Exception as error:  # raised again in the thread that asks for the result
            self._error = error
