"""Logins, devices and files that a camera needs are looked for before its stream is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.camera import CameraConfig
from daemon.diagnosis.finding import Finding, Verdict
from daemon.diagnosis.inputs import input_findings


def examined(
    directory: Path | None = None, **cameras: dict[str, Any]
) -> tuple[list[Finding], frozenset[str]]:
    return input_findings(
        {name: CameraConfig.model_validate(fields) for name, fields in cameras.items()}, directory
    )


def login(path: Path, mode: int = 0o600) -> Path:
    path.write_text("admin:hunter2")
    path.chmod(mode)
    return path


def test_cameras_that_need_nothing_are_not_mentioned(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    assert examined(a={"url": "rtsp://h/"}, b={"url": f"file://{tmp_path}/a.mp4"}) == (
        [],
        frozenset(),
    )


def test_a_file_that_is_not_there_fails_its_camera(tmp_path: Path) -> None:
    (finding,), unusable = examined(a={"url": f"file://{tmp_path}/a.mp4"})
    assert (finding.verdict, finding.what) == (Verdict.FAIL, "camera a")
    assert unusable == {"a"}


def test_logins_that_can_be_read_are_counted(tmp_path: Path) -> None:
    path = login(tmp_path / "gate")
    (finding,), unusable = examined(
        tmp_path,
        a={"url": "rtsp://h/", "credential": "gate"},
        b={"url": "rtsp://i/", "credential": f"file:{path}"},
    )
    assert finding == Finding(Verdict.OK, "credentials", "2 readable, and closed to others")
    assert unusable == frozenset()


def test_a_login_open_to_others_fails_its_camera_and_is_not_shown(tmp_path: Path) -> None:
    path = login(tmp_path / "gate", 0o644)
    (finding,), unusable = examined(a={"url": "rtsp://h/", "credential": f"file:{path}"})
    assert finding.verdict is Verdict.FAIL
    assert "is open to others, mode 0644" in finding.detail
    assert "hunter2" not in finding.line(20)
    assert unusable == {"a"}


def test_logins_of_the_service_cannot_be_seen_from_outside() -> None:
    (finding,), unusable = examined(
        a={"url": "rtsp://h/", "credential": "gate"},
        b={"url": "rtsp://i/", "credential": "yard"},
        c={"url": "rtsp://j/"},
    )
    assert (finding.verdict, finding.what) == (Verdict.WARN, "credentials")
    assert finding.detail.startswith("2 are given by systemd")
    assert unusable == {"a", "b"}


def test_a_device_that_may_be_opened_is_named() -> None:
    findings, unusable = examined(a={"url": "v4l2:///dev/null"})
    assert findings == [Finding(Verdict.OK, "devices", "/dev/null may be opened")]
    assert unusable == frozenset()


def test_a_device_that_is_absent_or_none_fails_its_camera() -> None:
    findings, unusable = examined(a={"url": "v4l2:///dev/none"}, b={"url": "v4l2:///dev/shm"})
    assert [finding.detail for finding in findings] == [
        "/dev/none: No such file or directory",
        "/dev/shm is no device",
    ]
    assert unusable == {"a", "b"}


def test_a_device_of_another_group_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.diagnosis.inputs.os.access", lambda *_: False)  # root may all
    (finding,), _ = examined(a={"url": "v4l2:///dev/null"})
    assert finding.detail == "/dev/null is for the group root, mode 0666"
    assert "usermod -aG root" in finding.todo


def test_a_group_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.setattr("daemon.diagnosis.inputs.os.access", lambda *_: False)
    monkeypatch.setattr("daemon.diagnosis.inputs.grp.getgrgid", unknown)
    (finding,), _ = examined(a={"url": "v4l2:///dev/null"})
    assert "group 0," in finding.detail
