"""What systemd hears, on a real socket."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.books.states import CameraState
from daemon.notify import Notices, ping_interval_s
from daemon.notify import ServiceManager as Manager
from tests.support.fakes import FakeClock
from tests.support.reporting import READY, FakeReporter, camera_report
from tests.support.service_manager import ServiceManager

WATCHDOG = {"WATCHDOG_USEC": "30000000"}
PING = {"WATCHDOG": "1"}


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServiceManager]:
    name = f"vedette-{secrets.token_hex(4)}"
    address = f"@{name}" if request.param == "abstract" else str(tmp_path / name)
    with ServiceManager(address) as manager:
        yield manager


class Daemon:
    """Notices of a daemon whose reports and clock the test moves."""

    def __init__(self, systemd: ServiceManager, **environ: str) -> None:
        self.reporter = FakeReporter(camera_report("gate"), camera_report("yard"))
        self.clock = FakeClock()
        self.systemd = systemd
        self.notices = Notices(self.reporter, self.clock, systemd.environment | environ)

    def ticks(self, seconds: int) -> list[dict[str, str]]:
        """What is told in so many seconds, with a tick in each."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.notices.tick()
        return self.systemd.received()


def test_ready_is_told_once_with_the_first_status(systemd: ServiceManager) -> None:
    daemon = Daemon(systemd)
    assert daemon.ticks(5) == [{"READY": "1", "STATUS": "2/2 cameras up"}]


@pytest.mark.parametrize("missing", ["model_warm", "sinks_bound", "capture_started"])
def test_nothing_is_ready_or_alive_before_readyz_says_so(
    systemd: ServiceManager, missing: str
) -> None:
    daemon = Daemon(systemd, **WATCHDOG)
    daemon.reporter.ready = replace(READY, **{missing: False})
    assert daemon.ticks(60) == []
    daemon.reporter.ready = READY
    assert daemon.ticks(1)[0]["READY"] == "1"


def test_status_is_told_when_it_changes_and_counts_cameras_that_are_wanted(
    systemd: ServiceManager,
) -> None:
    daemon = Daemon(systemd)
    daemon.ticks(1)
    cameras = daemon.reporter.camera_reports
    cameras.append(camera_report("off", CameraState.DISABLED))
    cameras.append(camera_report("film", CameraState.FINISHED))
    assert daemon.ticks(2) == []
    cameras[0] = camera_report("gate", CameraState.BACKOFF)
    assert daemon.ticks(2) == [{"STATUS": "1/2 cameras up"}]
    cameras[1] = camera_report("yard", CameraState.STALLED)
    assert daemon.ticks(2) == [{"STATUS": "0/2 cameras up"}]
    cameras[0] = camera_report("gate")
    assert daemon.ticks(2) == [{"STATUS": "1/2 cameras up"}]


def test_the_watchdog_is_fed_three_times_within_its_limit(systemd: ServiceManager) -> None:
    daemon = Daemon(systemd, **WATCHDOG)
    daemon.ticks(1)
    assert daemon.ticks(9) == []
    assert daemon.ticks(1) == [PING]
    assert daemon.ticks(60) == [PING] * 6


def test_a_stuck_pipeline_starves_the_watchdog_until_it_moves_again(
    systemd: ServiceManager,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    daemon = Daemon(systemd, **WATCHDOG)
    daemon.ticks(1)
    daemon.reporter.stuck_because = "the detector has been busy with one batch for 21 s"
    assert daemon.ticks(120) == []
    assert capfd.readouterr().err.count("most recent call first") >= 1, "stacks, to see where"
    daemon.ticks(60)
    assert capfd.readouterr().err == "", "said once"
    daemon.reporter.stuck_because = None
    assert daemon.ticks(11) == [PING, PING]
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "busy with one batch for 21 s" in caplog.text


def test_cameras_that_are_all_down_do_not_starve_the_watchdog(systemd: ServiceManager) -> None:
    daemon = Daemon(systemd, **WATCHDOG)
    daemon.reporter.camera_reports = [camera_report("gate", CameraState.BACKOFF)]
    daemon.ticks(1)
    assert daemon.ticks(30) == [PING] * 3


def test_a_watchdog_of_another_process_is_not_fed(systemd: ServiceManager) -> None:
    daemon = Daemon(systemd, **WATCHDOG, WATCHDOG_PID=str(os.getpid() + 1))
    daemon.ticks(1)
    assert daemon.ticks(60) == []


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-30000000"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "30000000"}, 10.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 10.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
    ],
)
def test_the_interval_is_a_third_of_what_systemd_says_to_this_process(
    environ: dict[str, str], interval_s: float | None
) -> None:
    assert ping_interval_s(environ, pid=7) == interval_s


def test_every_step_of_the_start_asks_for_more_time(systemd: ServiceManager) -> None:
    daemon = Daemon(systemd)
    daemon.notices.loading_advanced()
    daemon.notices.loading_advanced()
    step = {"EXTEND_TIMEOUT_USEC": "180000000", "STATUS": "loading the model"}
    assert systemd.received() == [step, step]


def test_the_end_is_told_and_then_nothing_more(systemd: ServiceManager) -> None:
    daemon = Daemon(systemd, **WATCHDOG)
    daemon.ticks(1)
    daemon.notices.stopping()
    daemon.reporter.ready = replace(READY, not_draining=False)
    assert daemon.ticks(30) == [{"STOPPING": "1", "STATUS": "stopping"}]


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative"])
def test_nothing_is_sent_where_no_socket_is_named(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    Manager({"NOTIFY_SOCKET": address}).tell("READY=1")
    Manager({}).tell("READY=1")
    assert caplog.records == []


@pytest.mark.parametrize("address", ["/no/such/socket", "@vedette-nobody-listens", "/" + "x" * 200])
def test_a_socket_that_cannot_be_reached_is_a_warning(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    Manager({"NOTIFY_SOCKET": address}).tell("READY=1")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_reload_is_told_from_its_beginning_to_its_end(systemd: ServiceManager) -> None:
    daemon = Daemon(systemd)
    daemon.ticks(1)
    daemon.clock.advance(0.5)
    daemon.notices.reloading()
    daemon.reporter.camera_reports.pop()
    daemon.notices.reloaded()
    began, ended = systemd.received()
    assert began == {"RELOADING": "1", "MONOTONIC_USEC": "101500000", "STATUS": "reloading"}
    assert ended == {"READY": "1", "STATUS": "1/1 cameras up"}
    assert daemon.ticks(2) == [], "what was told is not told again"
