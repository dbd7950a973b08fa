"""How long a lost camera waits."""

from __future__ import annotations

import pytest

from config.camera import ReconnectConfig
from daemon.capture.backoff import BackOff
from daemon.capture.errors import Cause

CONFIG = ReconnectConfig(min_s=0.5, max_s=30.0, slow_s=60.0)


def test_waits_double_up_to_the_limit() -> None:
    backoff = BackOff(CONFIG, lambda: 1.0)
    assert [backoff.next_s(Cause.TIMEOUT) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_jitter_spreads_a_wait_over_all_of_it() -> None:
    backoff = BackOff(CONFIG, iter([0.0, 0.5, 0.25]).__next__)
    assert [backoff.next_s(Cause.RESET) for _ in range(3)] == [0.0, 0.5, 0.5]


def test_ten_good_seconds_start_from_the_shortest_wait_again() -> None:
    backoff = BackOff(CONFIG, lambda: 1.0)
    for _ in range(5):
        backoff.next_s(Cause.TIMEOUT)
    backoff.streamed(9.9)
    assert backoff.next_s(Cause.TIMEOUT) == 16
    backoff.streamed(10.0)
    assert backoff.next_s(Cause.TIMEOUT) == 0.5


@pytest.mark.parametrize("kind", [Cause.AUTH, Cause.NOT_FOUND, Cause.CODEC, Cause.TOO_LARGE])
def test_a_refused_login_goes_to_the_slow_lane_at_once(kind: Cause) -> None:
    assert BackOff(CONFIG, lambda: 0.0).next_s(kind) == 60.0


def test_ten_thousand_failures_do_not_overflow() -> None:
    backoff = BackOff(CONFIG, lambda: 1.0)
    assert {backoff.next_s(Cause.REFUSED) for _ in range(10_000)} <= {0.5, 1, 2, 4, 8, 16, 30}
