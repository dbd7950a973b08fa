from __future__ import annotations

import pytest

from daemon.books.accounting import Page
from daemon.http.rates import WINDOW_S, Fps, FpsMeter


def page(captured: int, inferred: int) -> Page:
    return Page(captured, inferred, {}, 0)


def test_no_rate_before_two_samples() -> None:
    meter = FpsMeter()
    assert meter.fps("gate") is None
    meter.sample(1.0, {"gate": page(10, 5)})
    assert meter.fps("gate") is None
    meter.sample(1.0, {"gate": page(10, 5)})
    assert meter.fps("gate") is None


def test_rates_are_per_second_of_the_samples() -> None:
    meter = FpsMeter()
    meter.sample(1.0, {"gate": page(0, 0)})
    meter.sample(3.0, {"gate": page(50, 10)})
    assert meter.fps("gate") == Fps(25.0, 5.0)


def test_only_the_last_seconds_count() -> None:
    meter = FpsMeter()
    for second in range(60):
        frames = 25 * min(second, 30)  # the camera dies after 30 s
        meter.sample(float(second), {"gate": page(frames, frames)})
    assert meter.fps("gate") == Fps(0.0, 0.0)
    meter.sample(60.0, {"gate": page(750 + 100, 750)})
    fps = meter.fps("gate")
    assert fps is not None
    assert fps.captured == pytest.approx(100 / WINDOW_S)


def test_a_camera_that_joined_later_is_measured_from_then_on() -> None:
    meter = FpsMeter()
    meter.sample(1.0, {})
    meter.sample(2.0, {"yard": page(0, 0)})
    assert meter.fps("yard") is None
    meter.sample(3.0, {"yard": page(7, 5)})
    assert meter.fps("yard") == Fps(7.0, 5.0)
