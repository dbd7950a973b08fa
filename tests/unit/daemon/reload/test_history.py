"""What is remembered of reloads."""

from __future__ import annotations

import pytest

from config.camera import CameraConfig
from config.schema import Config
from daemon.books.reports import ReloadReport, ReloadResult
from daemon.reload.history import ReloadHistory, config_hash
from tests.support.fakes import FakeClock


def config(url: str = "synthetic://64x48") -> Config:
    return Config(version=1, cameras={"gate": CameraConfig(url=url)})


def test_a_start_is_a_success_without_a_reload() -> None:
    clock = FakeClock()
    report = ReloadHistory(config(), clock).report()
    assert report.last_reload is None
    assert report.loaded_ns == report.succeeded_ns == clock.wall_ns()
    assert set(report.reloads.values()) == {0}
    assert report.hash == config_hash(config())


@pytest.mark.parametrize(
    ("result", "loaded", "succeeded"),
    [
        (ReloadResult.APPLIED, True, True),
        (ReloadResult.UNCHANGED, False, True),
        (ReloadResult.REFUSED, False, False),
        (ReloadResult.ROLLED_BACK, False, False),
    ],
)
def test_every_result_is_counted_and_dated(
    result: ReloadResult, loaded: bool, succeeded: bool
) -> None:
    clock = FakeClock()
    history = ReloadHistory(config(), clock)
    began_ns = clock.wall_ns()
    clock.advance(60.0)
    history.note(result, config("synthetic://other"), ["vedette.yaml:3:5: wrong"])
    report = history.report()
    assert report.reloads == {**dict.fromkeys(ReloadResult, 0), result: 1}
    assert report.last_reload == ReloadReport(clock.wall_ns(), result, ("vedette.yaml:3:5: wrong",))
    assert report.loaded_ns == (clock.wall_ns() if loaded else began_ns)
    assert report.succeeded_ns == (clock.wall_ns() if succeeded else began_ns)
    assert report.hash == config_hash(config("synthetic://other"))


def test_the_hash_is_short_and_of_the_content() -> None:
    assert config_hash(config()) == config_hash(config())
    assert config_hash(config()) != config_hash(config("synthetic://other"))
    assert len(config_hash(config())) == 12
