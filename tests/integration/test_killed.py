"""A daemon that is killed in the middle of everything leaves nothing half-written behind."""

from __future__ import annotations

import json
import signal
import sqlite3
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.support import clips
from tests.support.daemon_process import DaemonProcess, running_daemon
from tests.support.waiting import until

pytestmark = pytest.mark.integration

STAGED = ("tests.support.staged_daemon",)
RECORD = {"snapshots": True, "clips": True, "per": "object", "min_interval_s": 1}


def lives(daemon: DaemonProcess) -> list[dict[str, Any]]:
    return list(daemon.get_json("/api/v1/cameras/gate/events")["events"])


def is_recorded(daemon: DaemonProcess) -> bool:
    """Whether the newest object is there and has its picture."""
    newest = next(iter(lives(daemon)), None)
    return bool(newest and newest["ended"] == "" and newest["recording"])


def is_whole(path: Path) -> bool:
    if path.suffix == ".json":
        return bool(json.loads(path.read_text())["kind"] == "detection")
    return cv2.imread(str(path)) is not None


def test_a_killed_daemon_leaves_whole_files_and_a_list_that_says_interrupted(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    film = clips.encode(tmp_path / "block.mp4", 60)
    config = {
        "recordings": {"folder": str(folder)},
        "cameras": {"gate": {"url": f"file:{film}", "record": RECORD}},
    }
    killed = []
    for round_ in range(2):
        with running_daemon(tmp_path, config, program=STAGED) as daemon:
            daemon.wait_for("ready")
            until(lambda: is_recorded(daemon), 20)
            until(lambda: list(folder.glob("gate/.*.mp4.part")), 10)
            killed.append(lives(daemon)[0])
            assert len(lives(daemon)) == round_ + 1
            daemon.process.send_signal(signal.SIGKILL)
            daemon.process.wait(10)
        assert list(folder.glob("gate/.*.mp4.part")), "it was killed while it wrote a clip"
        whole = [path for path in folder.glob("gate/*") if not path.name.startswith(".")]
        assert len(whole) == 4 * (round_ + 1)
        assert all(map(is_whole, whole))
    with running_daemon(tmp_path, config, program=STAGED) as daemon:
        daemon.wait_for("ready")
        until(lambda: is_recorded(daemon), 20)
        until(lambda: len(list(folder.glob("gate/.*"))) <= 1, 10)  # that of the clip that runs
        newest, *before = lives(daemon)
        assert [life["ended"] for life in before] == ["interrupted"] * 2
        assert [life["id"] for life in before] == [life["id"] for life in reversed(killed)]
        for life in before:
            assert life["recording"]["object"] == life["id"]
            assert daemon.get(life["recording"]["files"]["boxes"])[1][:2] == b"\xff\xd8"
        assert newest["id"] not in {life["id"] for life in killed}
        assert daemon.get_json("/api/v1/cameras/gate")["frames"]["balanced"]
        assert daemon.stop()[0] == 0
    assert list(folder.glob("gate/.*")) == []
    assert len(list(folder.glob("gate/*.mp4"))) == 1, "a stop closes the clip that runs"
    with sqlite3.connect(folder / "events.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ended = database.execute("SELECT ended FROM lives ORDER BY since_ns").fetchall()
    assert ended == [("interrupted",), ("interrupted",), ("end",)]
