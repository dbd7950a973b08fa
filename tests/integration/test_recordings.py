"""Recordings of a real daemon, beside a pipeline that does not notice; and its access token."""

from __future__ import annotations

import io
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import av
import pytest

from tests.support.daemon_process import ROOT, DaemonProcess, running_daemon
from tests.support.waiting import until

pytestmark = pytest.mark.integration

STREET = f"file:{ROOT / 'config' / 'demo' / 'street.mp4'}"
RECORD = {"snapshots": True, "on": ["person"], "min_interval_s": 1}


def street(**record: Any) -> dict[str, Any]:
    return {"street": {"url": STREET, "record": RECORD | record}}


def recordings(daemon: DaemonProcess) -> dict[str, Any]:
    return dict(daemon.get_json("/api/v1/cameras/street/recordings"))


def clips_of(daemon: DaemonProcess) -> list[str]:
    files = [recording["files"] for recording in recordings(daemon)["recordings"]]
    return [file["clip"] for file in files if "clip" in file]


def books_balance(daemon: DaemonProcess) -> bool:
    return bool(daemon.get_json("/api/v1/cameras/street")["frames"]["balanced"])


def test_a_life_with_recordings(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    config = {"recordings": {"folder": "recordings"}, "cameras": street()}
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for("ready")
        until(lambda: recordings(daemon)["stored"] >= 2, 20)
        newest = recordings(daemon)["recordings"][0]
        assert "person" in {found["label"] for found in newest["detections"]}
        status, jpeg = daemon.get(newest["files"]["boxes"])
        assert (status, jpeg[:2]) == (200, b"\xff\xd8")
        clips = {"clips": True, "clip": {"before_s": 1, "after_s": 1}}
        applied = daemon.reload(cameras=street(**clips))
        assert applied.startswith("applied retuned=street"), "the stream goes on"
        until(lambda: clips_of(daemon), 20)
        status, clip = daemon.get(clips_of(daemon)[0])
        with av.open(io.BytesIO(clip)) as container:
            assert sum(1 for _ in container.decode(video=0)) >= 2
        daemon.reload(cameras=street(max_gb=300e-6))
        until(lambda: recordings(daemon)["stored_bytes"] <= 300_000, 10)
        assert books_balance(daemon)
        assert daemon.stop()[0] == 0
    assert not list(folder.glob("street/.*"))
    kept = len(list(folder.glob("street/*.json")))
    assert kept
    with running_daemon(tmp_path, config | {"cameras": street(min_interval_s=900)}) as again:
        again.wait_for("ready")
        until(lambda: recordings(again)["stored"] >= kept, 10)
        assert again.stop()[0] == 0


def test_a_folder_that_is_away_costs_recordings_and_nothing_else(tmp_path: Path) -> None:
    config = {"recordings": {"folder": str(tmp_path / "away")}, "cameras": street()}
    with running_daemon(tmp_path, config) as daemon:
        daemon.wait_for("ready")
        reason = "No such file or directory"
        daemon.wait_for(f"recorder cannot write reason={reason}")
        until(lambda: b"vedette_recorder_up 0.0" in daemon.get("/metrics")[1])
        assert daemon.get_json("/api/v1/status")["recorder"]["failing"] == reason
        failed = b'vedette_recordings_failed_total{camera="street"} 2.0'
        until(lambda: failed in daemon.get("/metrics")[1], 20)
        assert (daemon.get("/healthz")[0], daemon.get("/readyz")[0]) == (200, 200)
        assert books_balance(daemon)
        assert daemon.stop()[0] == 0
    assert daemon.log.count("recorder cannot write") == 1


def test_another_token_is_asked_for_after_a_reload(tmp_path: Path) -> None:
    token = tmp_path / "token"

    def write(text: str, mode: int = 0o600) -> None:
        token.write_text(text)
        token.chmod(mode)

    def status(secret: str) -> int:
        request = urllib.request.Request(
            f"http://{daemon.http}/api/v1/status", headers={"authorization": f"Bearer {secret}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    old, new = "5f2c9e61d8b07a34", "0b5d7a3e9c1f8264"
    write(old)
    small = {"model": {"input_size": 128}, "batching": {"max_batch": 1}}
    scene = {"scene": {"url": "synthetic://scene"}}
    with running_daemon(tmp_path, small | {"cameras": scene}) as daemon:
        daemon.wait_for("ready")
        http = {"listen": daemon.http, "token": f"file:{token}"}
        assert daemon.reload(http=http).startswith("applied http=changed")
        assert (status(old), status(new)) == (200, 401)
        write(new)
        assert daemon.hang_up() == "unchanged"
        assert (status(old), status(new)) == (401, 200)
        write(old, mode=0o644)
        assert daemon.hang_up() == "refused"
        assert "http.token: credential file" in daemon.log
        assert (status(old), status(new)) == (401, 200)
        assert daemon.stop(signal.SIGTERM)[0] == 0
    assert old not in daemon.log
