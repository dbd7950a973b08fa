"""What people are told of a camera that shows nothing new."""

from __future__ import annotations

import pytest

from config.camera import CameraConfig
from daemon.books.states import CameraState, CameraStatus, Tampering
from daemon.capture.errors import Cause
from daemon.diagnosis.advice import advice
from daemon.diagnosis.trouble import address_of, trouble

CAMERA = CameraConfig(url="rtsp://10.0.0.5:554/stream1")
CLIP = CameraConfig(url="file:///srv/clips/street%20east.mp4")


def lost(kind: str, state: CameraState = CameraState.BACKOFF) -> CameraStatus:
    return CameraStatus("gate", state, kind, lost_reason=kind)


@pytest.mark.parametrize("kind", list(Cause))
def test_every_loss_is_a_sentence_that_names_the_other_side_with_the_advice_of_probe(
    kind: Cause,
) -> None:
    said = trouble(lost(kind), CAMERA)
    assert said is not None
    assert "10.0.0.5:554" in said.what
    assert said.what.endswith(".")
    assert said.advice == " ".join(advice(kind, CAMERA).split())


def test_a_camera_that_is_tried_again_is_still_the_one_that_was_lost() -> None:
    status = CameraStatus("gate", CameraState.CONNECTING, lost_reason="timeout")
    said = trouble(status, CAMERA)
    assert said is not None
    assert said.what == "10.0.0.5:554 does not answer."


@pytest.mark.parametrize("tampering", list(Tampering))
def test_a_view_that_is_wrong_is_told(tampering: Tampering) -> None:
    said = trouble(CameraStatus("gate", CameraState.TAMPERED, tampering), CAMERA)
    assert said is not None
    assert said.what.startswith("10.0.0.5:554 ")
    assert "lens" in said.advice


def test_a_camera_that_fell_silent_is_told() -> None:
    said = trouble(CameraStatus("gate", CameraState.STALLED), CAMERA)
    assert said is not None
    assert said.what == "10.0.0.5:554 sends no pictures."


@pytest.mark.parametrize(
    "state", [CameraState.CONNECTING, CameraState.STREAMING, CameraState.DISABLED]
)
def test_where_nothing_is_wrong_nothing_is_told(state: CameraState) -> None:
    assert trouble(CameraStatus("gate", state), CAMERA) is None


def test_a_file_that_was_played_to_its_end_is_no_trouble() -> None:
    assert trouble(lost(Cause.EOF, CameraState.FINISHED), CLIP) is None


def test_a_file_that_is_missing_is_called_by_its_name() -> None:
    said = trouble(lost(Cause.NOT_FOUND), CLIP)
    assert said is not None
    assert said.what == "The file street east.mp4 is not there."


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("rtsp://10.0.0.5/stream", "10.0.0.5"),
        ("rtsp://[fd00::7]:8554/stream", "[fd00::7]:8554"),
        ("file:///srv/street.mp4", "street.mp4"),
        ("v4l2:///dev/video0", "/dev/video0"),
        ("synthetic://", "synthetic"),
    ],
)
def test_the_other_side_is_called_as_a_person_would(url: str, address: str) -> None:
    assert address_of(CameraConfig(url=url)) == address
