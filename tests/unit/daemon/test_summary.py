"""The line for people at a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.books.accounting import Drop, Ledger
from daemon.books.reports import CameraReport, SinkReport
from daemon.books.states import CameraState
from daemon.summary import Summary
from sinks.messages import Kind
from tests.support.fakes import FakeClock, ShownSights, frame, one_box
from tests.support.reporting import READY, FakeReporter, camera_report


class Daemon(FakeReporter):
    """Two cameras, one of them lost, and as many published detections as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.ledgers = {"gate": Ledger(), "yard": Ledger()}
        self.live = ShownSights()
        self.published = 0

    def cameras(self) -> list[CameraReport]:
        states = {"gate": CameraState.STREAMING, "yard": CameraState.BACKOFF}
        return [
            replace(camera_report(name, states[name]), page=ledger.page())
            for name, ledger in self.ledgers.items()
        ]

    def sinks(self) -> list[SinkReport]:
        first, second = super().sinks()
        counts = replace(first.counts, published={**first.counts.published})
        counts.published[Kind.DETECTION] = self.published
        return [replace(first, counts=counts), second]

    def work(self, seconds: float) -> None:
        """Ten captured, two of them over the cap, one overwritten, five answered a second."""
        self.clock.advance(seconds)
        for _ in range(round(seconds)):
            for camera, inferred, overwritten in (("gate", 3, 0), ("yard", 2, 1)):
                ledger = self.ledgers[camera]
                ledger.captured_and_dropped(Drop.FPS_CAP)
                for _ in range(inferred):
                    ledger.captured()
                    ledger.inferred()
                for _ in range(overwritten):
                    ledger.captured()
                    ledger.dropped(Drop.OVERWRITTEN)
            self.ledgers["gate"].captured()
            self.ledgers["yard"].captured()
            self.published += 4


@pytest.fixture
def daemon(caplog: pytest.LogCaptureFixture) -> Daemon:
    caplog.set_level("INFO", "daemon.summary")
    return Daemon()


def test_rates_are_those_since_the_line_before(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.work(100.0)  # before the first look: no part of any rate
    summary = Summary(daemon, daemon.live, daemon.clock, every_s=10.0)
    summary.tick()
    daemon.work(10.0)
    summary.tick()
    daemon.clock.advance(10.0)
    summary.tick()
    rates = [
        "captured=10.0/s inferred=5.0/s left_out=2.0/s dropped=1.0/s published=4.0/s",
        "captured=0.0/s inferred=0.0/s left_out=0.0/s dropped=0.0/s published=0.0/s",
    ]
    assert caplog.messages == [f"cameras=1/2 {line} in_view=nothing" for line in rates]


def test_one_line_per_interval_although_ticks_come_early_or_late(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    summary = Summary(daemon, daemon.live, daemon.clock, every_s=5.0)
    start_s = daemon.clock.now_s()
    for second in range(61):
        daemon.clock.time_s = start_s + second + 0.2 * (-1) ** second
        summary.tick()
    assert len(caplog.messages) == 12


def test_a_late_tick_divides_by_the_time_that_passed(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    summary = Summary(daemon, daemon.live, daemon.clock, every_s=10.0)
    summary.tick()
    daemon.work(10.0)
    daemon.clock.advance(10.0)
    summary.tick()
    assert "captured=5.0/s" in caplog.text


def test_nothing_is_said_until_the_daemon_is_ready(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.ready = replace(READY, model_warm=False)
    summary = Summary(daemon, daemon.live, daemon.clock, every_s=1.0)
    for _ in range(5):
        summary.tick()
        daemon.work(1.0)
    assert not caplog.messages
    daemon.ready = READY
    summary.tick()
    daemon.work(1.0)
    summary.tick()
    assert caplog.text.count("captured=10.0/s") == 1


def test_nothing_is_said_where_no_summary_is_wanted(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    summary = Summary(daemon, daemon.live, daemon.clock, every_s=None)
    for _ in range(5):
        summary.tick()
        daemon.work(10.0)
    assert not caplog.messages


def test_a_daemon_without_sinks_publishes_nothing(
    daemon: Daemon, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "sinks", list)
    summary = Summary(daemon, daemon.live, daemon.clock, every_s=1.0)
    summary.tick()
    daemon.work(1.0)
    summary.tick()
    assert caplog.text.rstrip().endswith("published=0.0/s in_view=nothing")


def test_the_line_tells_what_the_newest_pictures_show(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    labels = daemon.model().labels
    for camera, class_id in (("gate", 0), ("yard", 0), ("gate", 1)):
        daemon.live.show(frame(camera, 1.0), one_box(class_id=class_id), labels, inferred_s=1.1)
    summary = Summary(daemon, daemon.live, daemon.clock, every_s=1.0)
    summary.tick()
    daemon.work(1.0)
    summary.tick()
    told = caplog.text.rstrip().rpartition("in_view=")[2]
    assert set(told.split(",")) == {f"{labels[0]}:1", f"{labels[1]}:1"}


def test_cameras_that_come_or_go_between_two_lines_make_no_rate_of_their_own(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    summary = Summary(daemon, daemon.live, daemon.clock, every_s=1.0)
    daemon.work(60.0)
    summary.tick()
    daemon.work(1.0)
    left = daemon.ledgers.pop("yard")
    summary.tick()
    assert "captured=5.0/s inferred=3.0/s left_out=1.0/s dropped=0.0/s" in caplog.messages[-1]
    daemon.ledgers["yard"] = left


def test_line_on_a_terminal_says_what_is_seen_first_and_fits_80_columns(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    summary = Summary(daemon, daemon.live, daemon.clock, every_s=1.0, columns=lambda: 80)
    daemon.live.show(frame("gate", 0.0), one_box(), ("person",), inferred_s=0.0)
    summary.tick()
    daemon.work(1.0)
    summary.tick()
    (line,) = caplog.messages
    assert line.startswith("person 1 ")
    assert line.endswith("cameras 1/2  answered 5.0/s")
    assert len("10:00:00 " + line) <= 80


def test_wider_terminal_gets_more_numbers(daemon: Daemon, caplog: pytest.LogCaptureFixture) -> None:
    summary = Summary(daemon, daemon.live, daemon.clock, every_s=1.0, columns=lambda: 140)
    summary.tick()
    daemon.work(1.0)
    summary.tick()
    assert caplog.messages[0].endswith("dropped 1.0/s  captured 10.0/s  published 4.0/s")
