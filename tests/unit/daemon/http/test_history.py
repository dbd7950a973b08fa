"""The last ten minutes of a camera."""

from __future__ import annotations

import pytest

from daemon.books.accounting import Drop, Page
from daemon.http.history import POINTS, STEP_S, History, Point, Reading, lost


def reading(
    captured: int, inferred: int = 0, *, stale: int = 0, latency_ms: float | None = 30.0
) -> Reading:
    capped = captured - inferred - stale
    return Reading(
        Page(captured, inferred, {Drop.FPS_CAP: capped, Drop.STALE: stale}, 0), latency_ms
    )


def test_a_point_says_what_happened_between_two_readings() -> None:
    history = History()
    for second in range(6):
        history.sample(float(second), {"gate": reading(20 * second, 10 * second, stale=second)})
    assert history.points("gate") == [Point(20.0, 10.0, 1.0, 30.0)]


def test_readings_come_more_often_than_points() -> None:
    history = History()
    for second in range(61):
        history.sample(float(second), {"gate": reading(second)})
    assert len(history.points("gate")) == 60 / STEP_S


def test_rates_are_of_the_time_that_really_passed() -> None:
    history = History()
    history.sample(0.0, {"gate": reading(0)})
    history.sample(40.0, {"gate": reading(80)})  # the machine slept
    assert history.points("gate")[0].captured_fps == 2.0


def test_a_step_without_answers_has_no_latency() -> None:
    history = History()
    for second, inferred in ((0, 5), (5, 5), (10, 9)):
        history.sample(float(second), {"gate": reading(100, inferred)})
    assert [point.latency_ms for point in history.points("gate")] == [None, 30.0]


def test_only_ten_minutes_are_kept() -> None:
    history = History()
    for step in range(POINTS + 30):
        history.sample(step * STEP_S, {"gate": reading(5 * step * step)})
    points = history.points("gate")
    assert len(points) * STEP_S == 600
    assert points[-1].captured_fps == pytest.approx(2 * (POINTS + 30) - 3)


def test_a_camera_begins_when_it_joins_and_is_forgotten_when_it_leaves() -> None:
    history = History()
    history.sample(0.0, {"gate": reading(0)})
    history.sample(5.0, {"gate": reading(5), "yard": reading(0)})
    assert history.points("yard") == []
    history.sample(10.0, {"gate": reading(10), "yard": reading(5)})
    assert (len(history.points("gate")), len(history.points("yard"))) == (2, 1)
    history.sample(15.0, {"yard": reading(5)})
    assert history.points("gate") == []


def test_frames_that_nobody_asked_for_are_not_lost() -> None:
    assert lost(Page(10, 2, {Drop.FPS_CAP: 5, Drop.STALE: 2, Drop.CORRUPT: 1}, 0)) == 3
