"""Work in a thread of its own, so that whoever asked for it can go on, or give up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_asked: dict[str, Background[Any]] = {}  # by name: what has not been answered yet
_lock = threading.Lock()


class Background(Generic[T]):
    """Starts at once. Nothing can interrupt it: unless it is left behind (`daemon`), whoever ends
    the process early looks at `done` first.
    """

    def __init__(self, name: str, work: Callable[[], T], *, daemon: bool = False) -> None:
        self._work = work
        self._value: T | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=daemon)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, timeout_s: float) -> bool:
        """Whether it was done in time."""
        self._thread.join(timeout_s)
        return self.done

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


def bounded(call: Callable[[], T], *, name: str, timeout_s: float) -> T:
    """What `call` returns or raises; TimeoutError where it takes longer, as a dead mount does.

    It is then left behind in a daemon thread of that name, and nobody asks the same again before it
    has come back.
    """
    with _lock:
        question = _asked.get(name)
        if question is None:
            question = _asked[name] = Background(name, call, daemon=True)
    if not question.wait(timeout_s):
        raise TimeoutError
    with _lock:
        _asked.pop(name, None)
    return question.result()  # type: ignore[no-any-return]
