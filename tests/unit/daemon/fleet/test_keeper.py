"""`vedette fleet run`: hands the file over, tells alarms, ends when told to."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.fleet import load_fleet
from daemon import log as logs
from daemon import signals
from daemon.fleet import keeper as module
from daemon.fleet.keeper import Keeper
from daemon.fleet.sections import FleetSetup
from daemon.fleet.shard import DirectorAwayError
from daemon.fleet.view import AlarmView, FleetView, Severity

FILE = """
version: 1
cameras: {gate: {url: "synthetic://64x48"}}
fleet: {nodes: {north: {http: "127.0.0.1:9464"}}}
"""


class Fleet:
    """Answers what it is set to, None for nobody."""

    def __init__(self) -> None:
        self.setups: list[FleetSetup] = []
        self.alarms: tuple[AlarmView, ...] | None = ()

    def direct(self, setup: FleetSetup, folder: str) -> None:
        self.setups.append(setup)

    def view(self) -> FleetView:
        if self.alarms is None:
            raise DirectorAwayError("no answer")
        return FleetView(1, 1, alarms=self.alarms)


class Signals:
    """Each look takes the next one, having done what was put beside it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.script: Iterator[object] = iter(())
        monkeypatch.setattr(signals, "block", lambda: None)
        monkeypatch.setattr(signals, "take", self.take)
        monkeypatch.setattr(logs, "configure", lambda *_: None)

    def take(self, _timeout_s: float) -> signal.Signals | None:
        step = next(self.script, signal.SIGTERM)
        if callable(step) and not isinstance(step, signal.Signals):
            step()
            return None
        return step if isinstance(step, signal.Signals) else None


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Signals:
    return Signals(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(FILE)
    return path


def test_alarms_are_told_once_when_they_come_and_when_they_are_over(
    script: Signals, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fleet = Fleet()
    alarm = AlarmView("node_lost", Severity.CRITICAL, "north", "north does not report", 1)
    script.script = iter(
        [
            lambda: setattr(fleet, "alarms", (alarm,)),
            None,
            lambda: setattr(fleet, "alarms", ()),
            signal.SIGTERM,
        ]
    )
    assert Keeper(fleet, load_fleet(file), reread=file).run() == 0
    told = [record.message for record in caplog.records if "report" in record.message]
    assert told == ["alarm north does not report", "over north does not report"]


def test_a_hang_up_hands_the_new_file_over_and_a_faulty_one_changes_nothing(
    script: Signals, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = Fleet()
    script.script = iter(
        [
            lambda: file.write_text(FILE.replace("gate", "yard")),
            signal.SIGHUP,
            lambda: file.write_text("version: 2"),
            signal.SIGHUP,
        ]
    )
    assert Keeper(fleet, load_fleet(file), reread=file).run() == 0
    assert [setup.cameras[0].name for setup in fleet.setups] == ["gate", "yard"]
    assert "reload refused" in caplog.text


def test_after_long_without_a_director_it_ends_to_be_started_again(
    script: Signals, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 3.0)
    fleet = Fleet()
    fleet.alarms = None
    script.script = iter([None] * 10)
    assert Keeper(fleet, load_fleet(file), reread=file).run() == 1
