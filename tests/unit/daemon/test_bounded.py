"""A call that never comes back costs its limit, one thread, and nothing else."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from config.camera import CameraConfig
from config.files import UnusableFileError
from daemon.background import bounded
from daemon.capture import local_file
from daemon.capture.errors import CaptureError, Cause
from daemon.capture.source import open_source
from daemon.diagnosis import files
from detector.letterbox import InputSpec
from tests.support.fakes import FakeClock


class DeadMount:
    """A look at a file that does not come back before it is let go."""

    def __init__(self) -> None:
        self.asked = 0
        self.let_go = threading.Event()

    def __call__(self, path: Path) -> None:
        self.asked += 1
        self.let_go.wait(10)


@pytest.fixture
def mount() -> DeadMount:
    return DeadMount()


def test_an_answer_or_an_error_is_passed_on() -> None:
    assert bounded(lambda: 7, name="seven", timeout_s=5) == 7
    with pytest.raises(KeyError):
        bounded(lambda: {}[0], name="none", timeout_s=5)
    assert bounded(lambda: 8, name="seven", timeout_s=5) == 8


def test_what_does_not_come_back_is_asked_once_however_often_it_is_tried(mount: DeadMount) -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError):
            bounded(lambda: mount(Path()), name="mount", timeout_s=0.01)
    assert mount.asked == 1
    mount.let_go.set()
    assert bounded(lambda: mount(Path()), name="mount", timeout_s=5) is None
    assert bounded(lambda: 3, name="mount", timeout_s=5) == 3


def test_a_camera_on_a_dead_mount_is_lost_in_time_with_a_reason(
    mount: DeadMount, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local_file, "check_regular_file", mount)
    camera = CameraConfig.model_validate({"url": f"file:{tmp_path}/a.mp4", "open_timeout_s": 0.5})
    started_s = time.monotonic()
    with pytest.raises(CaptureError, match="timeout: the file system does not answer") as raised:
        open_source(camera, input_spec=InputSpec(8, 8), clock=FakeClock(), pause=lambda _: False)
    assert raised.value.kind is Cause.TIMEOUT
    assert time.monotonic() - started_s < 5
    mount.let_go.set()


def test_check_and_doctor_say_it_in_half_a_second(
    mount: DeadMount, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "PATIENCE_S", 0.01)
    monkeypatch.setattr(files, "check_regular_file", mount)
    assert files.file_fault(tmp_path / "a.mp4") == "is on a file system that does not answer"
    mount.let_go.set()


def test_what_is_no_file_is_told_apart_from_what_is_not_there(tmp_path: Path) -> None:
    for path, kind, words in (
        (tmp_path, Cause.CODEC, "is a directory"),
        (Path("/dev/null"), Cause.CODEC, "is not a regular file"),
        (tmp_path / "none", Cause.NOT_FOUND, "cannot be read: no such file or directory"),
    ):
        with pytest.raises(CaptureError) as raised:
            local_file.check_file(path, 5)
        assert (raised.value.kind, raised.value.detail) == (kind, words)
        assert files.file_fault(path) == words
    (tmp_path / "file").touch()
    local_file.check_file(tmp_path / "file", 5)
    assert files.file_fault(tmp_path / "file") is None
    assert not UnusableFileError("x").is_unreadable
