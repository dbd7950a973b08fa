"""When the wall clock may be believed."""

from __future__ import annotations

import logging

import pytest

from daemon.recording.calendar import STEADY_ALONE_S, STEADY_S, Calendar


class SetClock:
    """A monotonic clock and a wall clock that somebody sets."""

    def __init__(self) -> None:
        self.time_s = 100.0
        self.ahead_s = 1_795_000_000.0

    def now_s(self) -> float:
        return self.time_s

    def wall_ns(self) -> int:
        return round((self.time_s + self.ahead_s) * 1e9)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.mark.parametrize(
    ("synchronised", "needed_s"), [(True, STEADY_S), (None, STEADY_S), (False, STEADY_ALONE_S)]
)
def test_a_clock_has_to_be_steady_first(
    clock: SetClock, synchronised: bool | None, needed_s: float
) -> None:
    calendar = Calendar(clock, synchronised=lambda: synchronised)
    clock.time_s += needed_s - 1
    calendar.look()
    assert not calendar.is_believed
    clock.time_s += 1
    calendar.look()
    assert calendar.is_believed


@pytest.mark.parametrize("jump_s", [86_400.0 * 365, -86_400.0, 61.0])
def test_a_clock_that_is_set_has_to_be_steady_anew(
    clock: SetClock, jump_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    calendar = Calendar(clock, synchronised=lambda: True)
    clock.time_s += STEADY_S
    clock.ahead_s += jump_s
    with caplog.at_level(logging.WARNING):
        calendar.look()
        calendar.look()
    assert not calendar.is_believed
    assert caplog.messages == [f"clock was set by_s={jump_s:+.0f}: no recording is too old for now"]
    clock.time_s += STEADY_S
    calendar.look()
    assert calendar.is_believed


def test_a_clock_that_is_slewed_stays_believed(clock: SetClock) -> None:
    calendar = Calendar(clock, synchronised=lambda: True)
    for _ in range(100):
        clock.time_s += 60
        clock.ahead_s += 0.03
        calendar.look()
    assert calendar.is_believed


def test_a_moment_of_the_monotonic_clock_has_a_date(clock: SetClock) -> None:
    calendar = Calendar(clock, synchronised=lambda: None)
    assert calendar.wall_ns(clock.time_s - 2.5) == clock.wall_ns() - 2_500_000_000
