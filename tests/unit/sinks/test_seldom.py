"""What may happen without end is a line a minute."""

from __future__ import annotations

from sinks.seldom import EVERY_S, Seldom
from tests.support.fakes import FakeClock


def test_the_first_time_is_told_at_once_and_the_others_together_a_minute_later() -> None:
    clock = FakeClock()
    seldom = Seldom(clock.now_s)
    assert seldom.times() == 1
    assert [seldom.times() for _ in range(7)] == [0] * 7
    clock.advance(EVERY_S)
    assert seldom.times() == 8
    assert seldom.times() == 0
