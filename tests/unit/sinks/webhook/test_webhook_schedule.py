"""Times of the week, over midnight too."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from config.webhook import ScheduleConfig
from sinks.webhook.schedule import is_time, window_of

MONDAY, TUESDAY, SUNDAY = 0, 1, 6


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def holds(schedule: dict[str, object], day: int, clock: str) -> bool:
    hours, minutes = clock.split(":")
    window = window_of(ScheduleConfig.model_validate(schedule))
    return window.holds(day, int(hours) * 60 + int(minutes))


def test_a_day_begins_at_midnight_and_ends_there() -> None:
    monday = {"days": ["mon"]}
    assert holds(monday, MONDAY, "00:00")
    assert holds(monday, MONDAY, "23:59")
    assert not holds(monday, TUESDAY, "00:00")


def test_the_end_does_not_belong_to_it() -> None:
    office = {"from": "08:00", "until": "17:30"}
    assert [holds(office, MONDAY, at) for at in ("07:59", "08:00", "17:29", "17:30")] == [
        False,
        True,
        True,
        False,
    ]


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    night = {"days": ["sun"], "from": "22:00", "until": "06:00"}
    assert holds(night, SUNDAY, "22:00")
    assert holds(night, MONDAY, "05:59")
    assert not holds(night, MONDAY, "06:00")
    assert not holds(night, MONDAY, "22:00")
    assert not holds(night, SUNDAY, "05:59"), "that was Saturday's"


def test_the_clock_of_this_machine_holds(berlin: None) -> None:
    summer_ns, winter_ns = 1_784_102_400 * 10**9, 1_795_039_200 * 10**9
    assert time.strftime("%H:%M", time.localtime(summer_ns / 1e9)) == "10:00"
    windows = [window_of(ScheduleConfig.model_validate({"from": "09:30", "until": "10:30"}))]
    assert is_time(windows, summer_ns)
    assert time.strftime("%H:%M", time.localtime(winter_ns / 1e9)) == "23:00"
    assert not is_time(windows, winter_ns)
    assert is_time(None, winter_ns)
