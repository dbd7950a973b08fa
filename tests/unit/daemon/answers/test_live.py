from __future__ import annotations

import threading

from daemon.answers.live import LiveBoard
from tests.support.fakes import frame, one_box

LABELS = ("person",)


def test_the_newest_sight_replaces_the_one_before() -> None:
    board = LiveBoard()
    assert board.latest("gate") is None
    board.show(frame("gate", 1.0), one_box(), LABELS, inferred_s=1.1)
    newest = frame("gate", 2.0)
    board.show(newest, one_box(0.5), LABELS, inferred_s=2.1)
    sight = board.latest("gate")
    assert sight is not None
    assert (sight.number, sight.captured_s, sight.inferred_s) == (2, 2.0, 2.1)
    assert sight.picture is newest.picture
    assert sight.source_wh == (64, 48)
    assert sight.labels == LABELS


def test_a_waiter_gets_what_is_there_already() -> None:
    board = LiveBoard()
    board.show(frame("gate", 1.0), one_box(), LABELS, inferred_s=1.1)
    sight = board.newer("gate", than=0, timeout_s=0)
    assert sight is not None
    assert sight.number == 1


def test_waiting_for_a_newer_sight_ends_with_none_in_time() -> None:
    board = LiveBoard()
    board.show(frame("gate", 1.0), one_box(), LABELS, inferred_s=1.1)
    assert board.newer("gate", than=1, timeout_s=0.01) is None
    assert board.newer("nobody", than=0, timeout_s=0.01) is None


def test_a_new_sight_wakes_its_own_waiters() -> None:
    board = LiveBoard()
    seen: list[int] = []

    def wait() -> None:
        sight = board.newer("gate", than=0, timeout_s=5)
        assert sight is not None
        seen.append(sight.number)

    waiters = [threading.Thread(target=wait) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    board.show(frame("gate", 1.0), one_box(), LABELS, inferred_s=1.1)
    for waiter in waiters:
        waiter.join(5)
    assert seen == [1, 1, 1]


def test_a_removed_camera_is_forgotten() -> None:
    board = LiveBoard()
    board.show(frame("gate", 1.0), one_box(), LABELS, inferred_s=1.1)
    board.remove("gate")
    board.remove("nobody")
    assert board.latest("gate") is None
