"""What is known of how a camera is, and when it is told."""

from __future__ import annotations

import pytest

from daemon.books.states import CameraState, CameraStatus, Status, StreamInfo
from tests.support.fakes import FakeClock

STREAM = StreamInfo("h264", 1920, 1080, 25.0, "tcp", "software")
BEGUN = CameraStatus("gate", CameraState.CONNECTING, since_s=100.0, blind_since_s=100.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(100.0)


@pytest.fixture
def told() -> list[CameraStatus]:
    return []


@pytest.fixture
def gate(clock: FakeClock, told: list[CameraStatus]) -> Status:
    return Status("gate", clock, told.append)


def test_every_camera_begins_by_connecting(gate: Status) -> None:
    assert gate.now() == BEGUN


def test_a_change_is_dated(gate: Status, clock: FakeClock) -> None:
    clock.advance(7.0)
    gate.change(CameraState.STREAMING, stream=STREAM)
    assert gate.now().since_s == 107.0
    assert gate.now().stream == STREAM
    assert gate.is_up


def test_each_change_is_told_once(gate: Status, clock: FakeClock, told: list[CameraStatus]) -> None:
    gate.change(CameraState.STREAMING, stream=STREAM)
    clock.advance(1.0)
    gate.change(CameraState.STREAMING, stream=STREAM)
    gate.change(CameraState.STREAMING)
    assert told == [gate.now()]
    assert told[0].since_s == 100.0, "what did not change keeps its date"


def test_another_reason_or_another_stream_is_a_change(
    gate: Status, told: list[CameraStatus]
) -> None:
    gate.change(CameraState.BACKOFF, reason="timeout")
    gate.change(CameraState.BACKOFF, reason="auth")
    gate.change(CameraState.STREAMING, stream=STREAM)
    smaller = StreamInfo("h264", 640, 480, 25.0, "tcp", "software")
    gate.change(CameraState.STREAMING, stream=smaller)
    assert [(s.state, s.reason) for s in told] == [
        (CameraState.BACKOFF, "timeout"),
        (CameraState.BACKOFF, "auth"),
        (CameraState.STREAMING, ""),
        (CameraState.STREAMING, ""),
    ]
    assert gate.now().stream == smaller


def test_a_lost_camera_remembers_its_stream_and_counts_its_reconnects(gate: Status) -> None:
    gate.change(CameraState.STREAMING, stream=STREAM)
    for _ in range(2):
        gate.change(CameraState.BACKOFF, reason="timeout", retry_s=3.0)
        gate.change(CameraState.CONNECTING)
    status = gate.now()
    assert (status.reconnects, status.stream, status.reason) == (2, STREAM, "")


def test_the_running_wait_is_told_only_while_it_runs(gate: Status) -> None:
    gate.change(CameraState.BACKOFF, reason="timeout", retry_s=3.0)
    assert gate.now().retry_s == 3.0
    gate.change(CameraState.CONNECTING)
    assert gate.now().retry_s is None


def test_an_arriving_frame_is_noted_and_changes_nothing_else(
    gate: Status, told: list[CameraStatus]
) -> None:
    gate.frame_arrived(101.5, 1_795_000_000_000_000_000)
    status = gate.now()
    assert (status.last_frame_s, status.last_frame_ns) == (101.5, 1_795_000_000_000_000_000)
    assert (status.state, status.since_s) == (CameraState.CONNECTING, 100.0)
    assert not told


def test_who_is_told_may_ask(clock: FakeClock) -> None:
    seen: list[CameraState] = []
    gate = Status("gate", clock, lambda _: seen.append(gate.now().state))
    gate.change(CameraState.FAILED, reason="config")
    assert seen == [CameraState.FAILED]


def test_how_a_camera_is_can_be_told_without_a_change(
    gate: Status, told: list[CameraStatus]
) -> None:
    gate.announce()
    assert told == [BEGUN]


def test_what_a_camera_says_that_is_gone_is_not_told(
    gate: Status, told: list[CameraStatus]
) -> None:
    gate.close()
    gate.change(CameraState.STREAMING, stream=STREAM)
    gate.announce()
    assert told == []
    assert gate.state is CameraState.CONNECTING


def test_a_change_that_came_too_late_is_not_made(gate: Status, told: list[CameraStatus]) -> None:
    gate.change(CameraState.BACKOFF, reason="timeout", retry_s=2.0)
    gate.change(CameraState.STALLED, only_from=CameraState.STREAMING)
    assert gate.state is CameraState.BACKOFF
    assert gate.now().retry_s == 2.0
    assert [status.state for status in told] == [CameraState.BACKOFF]


def test_an_outage_lasts_from_the_last_picture_to_the_next_however_often_it_is_tried(
    gate: Status, clock: FakeClock
) -> None:
    assert gate.now().blind_since_s == 100.0, "no picture yet"
    gate.change(CameraState.STREAMING, stream=STREAM)
    assert gate.now().blind_since_s is None
    gate.frame_arrived(104.0, 1)
    clock.advance(10.0)
    gate.change(CameraState.BACKOFF, reason="timeout", retry_s=3.0)
    for _ in range(3):
        clock.advance(10.0)
        gate.change(CameraState.CONNECTING)
        assert gate.now().lost_reason == "timeout"
        gate.change(CameraState.BACKOFF, reason="refused", retry_s=3.0)
        gate.change(CameraState.BACKOFF, reason="timeout", retry_s=3.0)
    assert gate.now().blind_since_s == 104.0
    gate.change(CameraState.STREAMING, stream=STREAM)
    assert (gate.now().blind_since_s, gate.now().lost_reason) == (None, "")
