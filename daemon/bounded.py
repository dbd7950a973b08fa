"""Calls that may never come back, with a limit: a dead network mount answers no look at it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_asked: dict[str, _Question[Any]] = {}  # by name: what has not been answered yet
_lock = threading.Lock()


def bounded(call: Callable[[], T], *, name: str, timeout_s: float) -> T:
    """What `call` returns or raises; TimeoutError where it takes longer. It is then left behind in
    a daemon thread of that name, and nobody asks the same again before it has come back.
    """
    with _lock:
        question = _asked.get(name)
        if question is None:
            question = _asked[name] = _Question(call, name)
            question.start()
    question.join(timeout_s)
    if question.is_alive():
        raise TimeoutError
    with _lock:
        _asked.pop(name, None)
    return question.answer()  # type: ignore[no-any-return]


class _Question(threading.Thread, Generic[T]):
    def __init__(self, call: Callable[[], T], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._call = call
        self._value: T | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            self._value = self._call()
        except Exception as error:  # raised again in the thread that asked
            self._error = error

    def answer(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set, where nothing was raised
