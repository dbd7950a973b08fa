"""When the accelerator is believed to be free."""

from __future__ import annotations

import pytest

from daemon.pipeline.occupancy import SMOOTHING, Occupancy


def run(occupancy: Occupancy, bucket: int, at_s: float, took_s: float) -> float:
    occupancy.started(bucket, at_s)
    return occupancy.finished(at_s + took_s)


def test_an_idle_accelerator_is_free_now() -> None:
    occupancy = Occupancy()
    assert occupancy.free_s(10.0) == 10.0
    assert occupancy.busy_for_s(10.0) == 0.0


def test_a_run_is_expected_to_last_as_long_as_the_one_before() -> None:
    occupancy = Occupancy()
    assert run(occupancy, 4, 10.0, 0.25) == 0.25
    occupancy.started(4, 11.0)
    assert occupancy.free_s(11.125) == 11.25
    assert occupancy.busy_for_s(11.125) == 0.125


def test_every_batch_size_has_its_own_estimate() -> None:
    occupancy = Occupancy()
    run(occupancy, 1, 10.0, 0.125)
    run(occupancy, 8, 11.0, 1.0)
    occupancy.started(1, 20.0)
    assert occupancy.free_s(20.0) == 20.125


def test_a_size_that_never_ran_may_end_any_moment() -> None:
    occupancy = Occupancy()
    occupancy.started(2, 10.0)
    assert occupancy.free_s(10.5) == 10.5


def test_a_run_that_outlasts_its_estimate_may_end_any_moment() -> None:
    occupancy = Occupancy()
    run(occupancy, 1, 10.0, 0.125)
    occupancy.started(1, 20.0)
    assert occupancy.free_s(23.0) == 23.0
    assert occupancy.busy_for_s(23.0) == 3.0


def test_one_slow_run_moves_the_estimate_a_little() -> None:
    occupancy = Occupancy()
    run(occupancy, 1, 10.0, 0.1)
    run(occupancy, 1, 11.0, 1.1)
    occupancy.started(1, 20.0)
    assert occupancy.free_s(20.0) == pytest.approx(20.1 + SMOOTHING * 1.0)


def test_the_end_of_nothing_takes_no_time() -> None:
    assert Occupancy().finished(10.0) == 0.0


def test_another_detector_has_another_pace() -> None:
    occupancy = Occupancy()
    occupancy.started(1, 100.0)
    occupancy.finished(110.0)
    occupancy.forget()
    occupancy.started(1, 110.0)
    assert occupancy.free_s(111.0) == 111.0
