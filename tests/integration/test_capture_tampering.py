"""A camera that lies is found out on its way through a real stream, and goes on being watched."""

from __future__ import annotations

import pytest

from daemon.books.states import CameraState
from tests.support.capture_rig import running
from tests.support.scripted_rtsp import scripted_camera

pytestmark = pytest.mark.integration


def test_a_frozen_picture_is_told_while_its_frames_go_on() -> None:
    with scripted_camera() as camera:
        camera.pictures = camera.pictures[:1]  # the same keyframe again and again
        watch = {"frozen": True, "dark": True, "after_s": 2.0}
        with running(camera.url, watch=watch) as rig:
            rig.wait_for_state(CameraState.TAMPERED)
            seen = len(rig.frames)
            rig.wait_for_frames(seen + 5)
            assert rig.status.reason == "frozen"
            assert rig.status.stream is not None


def test_a_stream_that_is_not_watched_may_stand_still() -> None:
    with scripted_camera() as camera:
        camera.pictures = camera.pictures[:1]
        with running(camera.url) as rig:
            rig.wait_for_frames(20)
            assert rig.status.state is CameraState.STREAMING
