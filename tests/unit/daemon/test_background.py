"""Work beside the main thread."""

from __future__ import annotations

import threading

import pytest

from daemon.background import Background
from tests.support.waiting import until


def test_the_result_is_there_when_the_work_is_done() -> None:
    go = threading.Event()
    work = Background("model", lambda: go.wait() and threading.current_thread().name)
    assert not work.done
    go.set()
    until(lambda: work.done)
    assert work.result() == "model"


def test_what_the_work_raises_is_raised_to_who_asks() -> None:
    def fail() -> None:
        raise KeyError("gate")

    work = Background("model", fail)
    until(lambda: work.done)
    with pytest.raises(KeyError, match="gate"):
        work.result()
