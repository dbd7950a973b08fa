"""A file is played at its own speed, whatever its timestamps do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from daemon.capture.file_source import Player
from tests.support.fakes import FakeClock


def sleeper(clock: FakeClock, sleeps: list[float]) -> Callable[[float], bool]:
    def pause(seconds: float) -> bool:
        sleeps.append(seconds)
        clock.advance(seconds)
        return False

    return pause


def never(step_s: float) -> None:
    pytest.fail(f"a pace of {step_s} s was told")


def test_timestamps_are_waited_for() -> None:
    clock, sleeps = FakeClock(), list[float]()
    player = Player(clock, sleeper(clock, sleeps), never)
    assert all(player.wait(5.0 + index * 0.1) for index in range(4))
    assert sleeps == pytest.approx([0.1, 0.1, 0.1])


def test_time_spent_elsewhere_is_not_waited_for_again() -> None:
    clock, sleeps = FakeClock(), list[float]()
    player = Player(clock, sleeper(clock, sleeps), never)
    for index in range(4):
        player.wait(index * 0.1)
        clock.advance(0.03)
    assert sleeps == pytest.approx([0.07, 0.07, 0.07])


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_a_jump_of_the_timestamps_neither_stalls_nor_races(jump_s: float) -> None:
    clock, sleeps = FakeClock(), list[float]()
    player = Player(clock, sleeper(clock, sleeps), never)
    for time_s in (0.0, 0.1, jump_s, jump_s + 0.1, jump_s + 0.2):
        player.wait(time_s)
    assert sleeps == pytest.approx([0.1, 0.1, 0.1])


def test_a_late_player_starts_counting_anew() -> None:
    clock, sleeps = FakeClock(), list[float]()
    player = Player(clock, sleeper(clock, sleeps), never)
    player.wait(0.0)
    clock.advance(5.0)
    player.wait(0.1)
    player.wait(0.2)
    assert sleeps == pytest.approx([0.1])


def test_a_stop_ends_the_wait() -> None:
    player = Player(FakeClock(), lambda _seconds: True, never)
    assert player.wait(0.0)
    assert not player.wait(0.1)
    assert player.stopped


@pytest.mark.parametrize(("step_s", "wait_s"), [(30.0, 30.0), (300.0, 60.0)])
def test_a_time_lapse_keeps_its_pace_up_to_a_minute_and_says_so_once(
    step_s: float, wait_s: float
) -> None:
    clock, sleeps, told = FakeClock(), list[float](), list[float]()
    player = Player(clock, sleeper(clock, sleeps), told.append)
    for index in range(5):
        player.wait(index * step_s)
    assert sleeps == pytest.approx([wait_s] * 3)  # the first step might have been a fault
    assert told == pytest.approx([step_s])


def test_faults_among_usual_steps_are_never_taken_for_a_pace() -> None:
    clock, sleeps = FakeClock(), list[float]()
    player = Player(clock, sleeper(clock, sleeps), never)
    for index in range(6):
        player.wait(index * 1000.0)
        player.wait(index * 1000.0 + 0.1)
    assert sleeps == pytest.approx([0.1] * 6)
