"""What the board says of a camera, and to whom it says it."""

from __future__ import annotations

import pytest

from daemon.books.states import CameraState, CameraStatus, StatusBoard, StreamInfo
from tests.support.fakes import FakeClock

STREAM = StreamInfo("h264", 1920, 1080, 25.0, "tcp", "software")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(100.0)


@pytest.fixture
def board(clock: FakeClock) -> StatusBoard:
    return StatusBoard(["gate", "yard"], clock)


def test_every_camera_begins_by_connecting(board: StatusBoard) -> None:
    assert board.all() == [
        CameraStatus("gate", CameraState.CONNECTING, since_s=100.0, blind_since_s=100.0),
        CameraStatus("yard", CameraState.CONNECTING, since_s=100.0, blind_since_s=100.0),
    ]


def test_a_change_is_dated_and_leaves_the_others_alone(
    board: StatusBoard, clock: FakeClock
) -> None:
    clock.advance(7.0)
    board.change("gate", CameraState.STREAMING, stream=STREAM)
    assert board.get("gate").since_s == 107.0
    assert board.get("gate").stream == STREAM
    assert board.get("yard") == CameraStatus(
        "yard", CameraState.CONNECTING, since_s=100.0, blind_since_s=100.0
    )


def test_listeners_hear_each_change_once(board: StatusBoard, clock: FakeClock) -> None:
    heard: list[CameraStatus] = []
    board.on_change(heard.append)
    board.change("gate", CameraState.STREAMING, stream=STREAM)
    clock.advance(1.0)
    board.change("gate", CameraState.STREAMING, stream=STREAM)
    board.change("gate", CameraState.STREAMING)
    assert heard == [board.get("gate")]
    assert heard[0].since_s == 100.0, "what did not change keeps its date"


def test_another_reason_or_another_stream_is_a_change(board: StatusBoard) -> None:
    heard: list[CameraStatus] = []
    board.on_change(heard.append)
    board.change("gate", CameraState.BACKOFF, reason="timeout")
    board.change("gate", CameraState.BACKOFF, reason="auth")
    board.change("gate", CameraState.STREAMING, stream=STREAM)
    smaller = StreamInfo("h264", 640, 480, 25.0, "tcp", "software")
    board.change("gate", CameraState.STREAMING, stream=smaller)
    assert [(s.state, s.reason) for s in heard] == [
        (CameraState.BACKOFF, "timeout"),
        (CameraState.BACKOFF, "auth"),
        (CameraState.STREAMING, ""),
        (CameraState.STREAMING, ""),
    ]
    assert board.get("gate").stream == smaller


def test_a_lost_camera_remembers_its_stream_and_counts_its_reconnects(board: StatusBoard) -> None:
    board.change("gate", CameraState.STREAMING, stream=STREAM)
    for _ in range(2):
        board.change("gate", CameraState.BACKOFF, reason="timeout", retry_s=3.0)
        board.change("gate", CameraState.CONNECTING)
    status = board.get("gate")
    assert (status.reconnects, status.stream, status.reason) == (2, STREAM, "")


def test_the_running_wait_is_told_only_while_it_runs(board: StatusBoard) -> None:
    board.change("gate", CameraState.BACKOFF, reason="timeout", retry_s=3.0)
    assert board.get("gate").retry_s == 3.0
    board.change("gate", CameraState.CONNECTING)
    assert board.get("gate").retry_s is None


def test_an_arriving_frame_is_noted_and_changes_nothing_else(board: StatusBoard) -> None:
    heard: list[CameraStatus] = []
    board.on_change(heard.append)
    board.frame_arrived("gate", 101.5, 1_795_000_000_000_000_000)
    status = board.get("gate")
    assert (status.last_frame_s, status.last_frame_ns) == (101.5, 1_795_000_000_000_000_000)
    assert (status.state, status.since_s) == (CameraState.CONNECTING, 100.0)
    assert not heard


def test_a_listener_may_ask_the_board(board: StatusBoard) -> None:
    seen: list[CameraState] = []
    board.on_change(lambda status: seen.append(board.get(status.camera).state))
    board.change("gate", CameraState.FAILED, reason="config")
    assert seen == [CameraState.FAILED]


def test_cameras_come_and_go(board: StatusBoard, clock: FakeClock) -> None:
    board.change("gate", CameraState.STREAMING, stream=STREAM)
    board.frame_arrived("yard", 101.5, 1)
    clock.advance(5.0)
    board.add("gate")
    board.add("spare")
    board.remove("yard")
    assert [status.camera for status in board.all()] == ["gate", "spare"]
    assert board.state("gate") is CameraState.STREAMING, "who is there already is left alone"
    assert board.get("spare") == CameraStatus(
        "spare", CameraState.CONNECTING, since_s=105.0, blind_since_s=105.0
    )
    assert board.state("yard") is None
    board.add("yard")
    assert board.get("yard").last_frame_s is None


def test_what_a_removed_camera_still_says_is_not_heard(board: StatusBoard) -> None:
    heard: list[CameraStatus] = []
    board.on_change(heard.append)
    board.remove("gate")
    board.change("gate", CameraState.STREAMING, stream=STREAM)
    assert heard == []
    assert board.state("gate") is None


def test_a_change_that_came_too_late_is_not_made() -> None:
    board = StatusBoard(["gate"], FakeClock())
    told: list[CameraStatus] = []
    board.on_change(told.append)
    board.change("gate", CameraState.BACKOFF, reason="timeout", retry_s=2.0)
    board.change("gate", CameraState.STALLED, only_from=CameraState.STREAMING)
    assert board.get("gate").state is CameraState.BACKOFF
    assert board.get("gate").retry_s == 2.0
    assert [status.state for status in told] == [CameraState.BACKOFF]


def test_an_outage_lasts_from_the_last_picture_to_the_next_however_often_it_is_tried(
    board: StatusBoard, clock: FakeClock
) -> None:
    assert board.get("gate").blind_since_s == 100.0, "no picture yet"
    board.change("gate", CameraState.STREAMING, stream=STREAM)
    assert board.get("gate").blind_since_s is None
    board.frame_arrived("gate", 104.0, 1)
    clock.advance(10.0)
    board.change("gate", CameraState.BACKOFF, reason="timeout", retry_s=3.0)
    for _ in range(3):
        clock.advance(10.0)
        board.change("gate", CameraState.CONNECTING)
        assert board.get("gate").lost_reason == "timeout"
        board.change("gate", CameraState.BACKOFF, reason="refused", retry_s=3.0)
        board.change("gate", CameraState.BACKOFF, reason="timeout", retry_s=3.0)
    assert board.get("gate").blind_since_s == 104.0
    board.change("gate", CameraState.STREAMING, stream=STREAM)
    assert (board.get("gate").blind_since_s, board.get("gate").lost_reason) == (None, "")
