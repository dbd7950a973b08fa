"""A real daemon under a test that plays systemd."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import signals
from tests.support.daemon_process import free_port, running_daemon
from tests.support.service_manager import ServiceManager

pytestmark = pytest.mark.integration

SMALL = {"model": {"input_size": 128}, "batching": {"max_batch": 2}}
WATCHDOG_S = 4.5
SCENE = {"url": "synthetic://scene?size=320x240&fps=10"}


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceManager]:
    """What is started from here on finds a service manager, and a watchdog with a short limit."""
    with ServiceManager(str(tmp_path / "notify")) as manager:
        for name, value in manager.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG_S * 1e6)))
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield manager


def test_a_life_as_systemd_sees_it(tmp_path: Path, systemd: ServiceManager) -> None:
    dead = {"url": f"rtsp://127.0.0.1:{free_port()}/nothing"}
    config = SMALL | {"cameras": {"alive": SCENE, "dead": dead}}
    with running_daemon(tmp_path, config) as daemon:
        ready = systemd.wait_for("READY=1")
        ready_s = time.monotonic()
        assert daemon.get("/readyz")[0] == 200
        steps = [news for news in systemd.heard if "EXTEND_TIMEOUT_USEC" in news]
        assert len(steps) == 4, "begin, built, two batch sizes"
        if ready["STATUS"] != "1/2 cameras up":  # a camera that was as fast as the model
            systemd.wait_for("STATUS=1/2 cameras up", 10)
        systemd.wait_for("WATCHDOG=1", 10)
        assert WATCHDOG_S / 3 - 0.2 <= time.monotonic() - ready_s <= WATCHDOG_S
        assert daemon.reload(cameras={"alive": SCENE}).startswith("applied removed=dead")
        began = systemd.wait_for("RELOADING=1", 5)
        assert abs(int(began["MONOTONIC_USEC"]) / 1e6 - time.monotonic()) < 5
        assert systemd.wait_for("READY=1", 5)["STATUS"] == "1/1 cameras up"
        code, _ = daemon.stop()
    assert code == 0
    systemd.received()
    assert systemd.heard[-1] == {"STOPPING": "1", "STATUS": "stopping"}
    assert sum("READY" in news for news in systemd.heard) == 2


def test_a_start_that_fails_is_never_ready(tmp_path: Path, systemd: ServiceManager) -> None:
    config = {"model": {"weights": "none.safetensors"}, "cameras": {"a": SCENE}}
    with running_daemon(tmp_path, config) as daemon:
        assert daemon.process.wait(60) == 69
    systemd.received()
    assert not any("READY" in news for news in systemd.heard)


def test_the_watchdogs_abort_leaves_the_stack_of_every_thread(tmp_path: Path) -> None:
    with running_daemon(tmp_path, SMALL | {"cameras": {"a": SCENE}}) as daemon:
        daemon.camera_is("a", "streaming", timeout_s=60)
        code, _ = daemon.stop(signal.SIGABRT)
    assert code == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in daemon.log
    for work in ("_stopped_before", "_batch_until_stopped", "_infer_until_stopped"):
        assert f"in {work}" in daemon.log


def test_no_thread_but_the_main_one_can_take_a_signal(tmp_path: Path) -> None:
    with running_daemon(tmp_path, SMALL | {"cameras": {"a": SCENE}}) as daemon:
        daemon.camera_is("a", "streaming", timeout_s=60)
        tasks = Path(f"/proc/{daemon.process.pid}/task")
        others = [task for task in tasks.iterdir() if task.name != str(daemon.process.pid)]
        assert len(others) >= 5
        for task in others:
            lines = (task / "status").read_text().splitlines()
            status = dict(line.split(":\t", 1) for line in lines)
            blocked = int(status["SigBlk"], 16)
            for number in signals.TAKEN:
                assert blocked & 1 << (number - 1), (status["Name"], number)
        code, _ = daemon.stop()
    assert code == 0
