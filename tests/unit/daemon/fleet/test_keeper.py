"""`vedette fleet run`: hands the file over, tells alarms, ends when told to."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.fleet import LoadedFleet, load_fleet
from daemon import log as logs
from daemon import signals
from daemon.errors import ListenError
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


class FakeSite:
    """Shows what it is given, to nobody."""

    def __init__(self) -> None:
        self.view: Callable[[], FleetView] = lambda: FleetView(0, None)
        self.node_token: Callable[[], str | None] = lambda: None
        self.taken = False  # its port is, by somebody else
        self.running = False

    def open(
        self,
        view: Callable[[], FleetView],
        loaded: LoadedFleet,
        node_token: Callable[[], str | None],
    ) -> FakeSite:
        self.view, self.node_token = view, node_token
        return self

    def bind(self) -> None:
        if self.taken:
            raise ListenError("http.listen: in use")

    def start(self) -> None:
        self.running = True

    def read_token(self) -> None: ...

    def stop(self) -> bool:
        self.running = False
        return True


@pytest.fixture
def site() -> FakeSite:
    return FakeSite()


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
    script: Signals, site: FakeSite, file: Path, caplog: pytest.LogCaptureFixture
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
    assert Keeper(fleet, load_fleet(file), site.open, reread=file).run() == 0
    told = [record.message for record in caplog.records if "report" in record.message]
    assert told == ["alarm north does not report", "over north does not report"]


def test_a_hang_up_hands_the_new_file_over_and_a_faulty_one_changes_nothing(
    script: Signals, site: FakeSite, file: Path, caplog: pytest.LogCaptureFixture
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
    assert Keeper(fleet, load_fleet(file), site.open, reread=file).run() == 0
    assert [setup.cameras[0].name for setup in fleet.setups] == ["gate", "yard"]
    assert "reload refused" in caplog.text


def test_after_long_without_a_director_it_ends_to_be_started_again(
    script: Signals, site: FakeSite, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 3.0)
    fleet = Fleet()
    fleet.alarms = None
    script.script = iter([None] * 10)
    assert Keeper(fleet, load_fleet(file), site.open, reread=file).run() == 1


def test_the_page_shows_the_newest_view_and_that_the_director_is_away(
    script: Signals, site: FakeSite, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "answers", lambda http, _timeout_s: http == "127.0.0.1:9465")
    gateways = "fleet: {gateways: {one: '127.0.0.1:9465', two: '127.0.0.1:9466'}, "
    file.write_text(FILE.replace("fleet: {", gateways))
    fleet, seen = Fleet(), []
    script.script = iter(
        [
            None,
            lambda: seen.append(site.view()),
            lambda: setattr(fleet, "alarms", None),
            lambda: seen.append(site.view()),
        ]
    )
    assert Keeper(fleet, load_fleet(file), site.open, reread=file).run() == 0
    assert [view.director_since_ns for view in seen] == [1, None]
    assert [(gateway.name, gateway.up) for gateway in seen[0].gateways] == [
        ("one", True),
        ("two", False),
    ]
    assert not site.running


def test_a_port_that_is_taken_ends_it_before_anything_is_handed_over(
    script: Signals, site: FakeSite, file: Path
) -> None:
    fleet, site.taken = Fleet(), True
    assert Keeper(fleet, load_fleet(file), site.open, reread=file).run() == 1
    assert fleet.setups == []


def test_the_token_of_the_servers_is_read_where_they_ask_for_one(
    script: Signals, site: FakeSite, file: Path, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    file.write_text(FILE + f"http: {{token: 'file:{token}'}}\n")
    Keeper(Fleet(), load_fleet(file), site.open, reread=file)
    assert site.node_token() is None
    token.write_text("t" * 32)
    token.chmod(0o600)
    assert site.node_token() == "t" * 32
