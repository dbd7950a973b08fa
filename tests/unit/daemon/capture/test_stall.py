"""When a quiet camera counts as stalled."""

from __future__ import annotations

import pytest

from daemon.books.states import CameraState, CameraStatus, StreamInfo
from daemon.capture.stall import StallLog, stalled


def status(state: CameraState, fps: float | None, last_frame_s: float | None) -> CameraStatus:
    stream = StreamInfo("h264", 640, 360, fps, "tcp", "software")
    return CameraStatus("a", state, since_s=100.0, stream=stream, last_frame_s=last_frame_s)


@pytest.mark.parametrize(
    ("fps", "limit_s"), [(30.0, 1.0), (10.0, 1.0), (1.0, 3.0), (0.1, 30.0), (None, 1.0)]
)
def test_three_frames_of_silence_but_at_least_a_second(fps: float | None, limit_s: float) -> None:
    streaming = status(CameraState.STREAMING, fps, 200.0)
    assert not stalled(streaming, 200.0 + limit_s)
    assert stalled(streaming, 200.01 + limit_s)


@pytest.mark.parametrize(
    "state",
    [state for state in CameraState if not state.is_up and state is not CameraState.STALLED],
)
def test_a_camera_that_is_not_open_is_not_stalled(state: CameraState) -> None:
    assert not stalled(status(state, 10.0, 200.0), 900.0)


def test_a_stalled_camera_stays_so_until_a_frame_comes() -> None:
    assert stalled(status(CameraState.STALLED, 10.0, 200.0), 205.0)
    assert not stalled(status(CameraState.STALLED, 10.0, 204.9), 205.0)


def test_a_stream_without_any_frame_counts_from_its_opening() -> None:
    assert stalled(status(CameraState.STREAMING, 10.0, None), 101.5)
    assert not stalled(CameraStatus("a", CameraState.STREAMING, since_s=100.0), 100.5)


def test_a_stall_that_lasts_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    log = StallLog()
    stalled_since_200 = status(CameraState.STALLED, 10.0, 200.0)
    for now_s in (201.0, 209.9):
        log.look(stalled_since_200, now_s)
    assert caplog.messages == []
    for now_s in (210.0, 211.0):
        log.look(stalled_since_200, now_s)
    assert caplog.messages == [
        "camera sends no pictures camera=a state=stalled no_picture_since=start"
    ]
    log.look(status(CameraState.STREAMING, 10.0, 212.0), 212.0)
    log.look(status(CameraState.STALLED, 10.0, 212.0), 223.0)
    assert len(caplog.messages) == 2
