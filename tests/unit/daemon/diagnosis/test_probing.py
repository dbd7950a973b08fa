"""A stream is watched for as long as was asked, and every way to fail has a kind."""

from __future__ import annotations

import pytest

from config.camera import CameraConfig
from daemon.capture.errors import CaptureError, Cause
from daemon.diagnosis.probing import Probe, attempt
from tests.support.fakes import FakeClock

SCENE = CameraConfig(url="synthetic://x?fps=10&size=320x240")


class Pausing:
    """Moves the clock instead of waiting; asks to stop after `pauses`."""

    def __init__(self, clock: FakeClock, pauses: int = 10_000) -> None:
        self.clock = clock
        self.left = pauses

    def __call__(self, seconds: float) -> bool:
        self.clock.advance(seconds)
        self.left -= 1
        return self.left <= 0


def watch(seconds: float, pauses: int = 10_000) -> Probe | CaptureError:
    clock = FakeClock()
    return attempt(SCENE, seconds=seconds, clock=clock, pause=Pausing(clock, pauses))


def test_a_scene_is_watched_for_as_long_as_asked() -> None:
    found = watch(3.05)
    assert isinstance(found, Probe)
    assert found.stream.width == 320
    assert found.live
    assert found.figures.pictures == 32
    assert found.figures.fps_by_pts == pytest.approx(10)
    assert found.figures.fps_by_arrival == pytest.approx(10)
    assert (found.profile, found.pixel_format, found.bits, found.decode_s) == (None,) * 4


def test_a_live_stream_that_ends_is_a_failure_that_counts_its_pictures() -> None:
    found = watch(3.0, pauses=5)
    assert isinstance(found, CaptureError)
    assert str(found) == "eof: after 5 pictures"


def test_a_fault_of_ours_has_a_kind_and_a_place_and_no_text() -> None:
    def breaks(_: float) -> bool:
        msg = "rtsp://user:hunter2@h/"
        raise RuntimeError(msg)

    found = attempt(SCENE, seconds=1.0, clock=FakeClock(), pause=breaks)
    assert isinstance(found, CaptureError)
    assert found.kind is Cause.INTERNAL
    assert str(found).startswith("internal: RuntimeError in test_probing.py:")
    assert str(found).endswith(", after 1 pictures")
    assert "hunter2" not in str(found)
    assert found.__cause__ is None
    assert found.__context__ is None


def test_a_credential_that_is_not_there_is_a_configuration_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    camera = CameraConfig(url="rtsp://127.0.0.1:1/", credential="gate")
    clock = FakeClock()
    found = attempt(camera, seconds=1.0, clock=clock, pause=Pausing(clock))
    assert isinstance(found, CaptureError)
    assert found.kind is Cause.CONFIG
    assert "$CREDENTIALS_DIRECTORY" in found.detail
