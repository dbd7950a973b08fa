"""A daemon whose detector runs in int8 has no TensorFlow in it, until a reload asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon_process import DaemonProcess, Subscriber, running_daemon

pytestmark = pytest.mark.integration

CAMERA = {"street": {"url": "synthetic://scene?size=320x240&fps=10", "detect": {"fps": 10}}}
MOST_MB = 300


def config(precision: str) -> dict[str, Any]:
    return {
        "model": {"precision": precision},
        "batching": {"max_batch": 2, "max_age_ms": 5000},
        "cameras": CAMERA,
    }


def loaded(daemon: DaemonProcess) -> bool:
    return "tensorflow" in Path(f"/proc/{daemon.process.pid}/maps").read_text()


def resident_mb(daemon: DaemonProcess) -> float:
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def precision(daemon: DaemonProcess) -> str:
    text = daemon.get("/metrics")[1].decode()
    line = next(line for line in text.splitlines() if line.startswith("vedette_model_info{"))
    return line.partition('precision="')[2].partition('"')[0]


def answered(daemon: DaemonProcess) -> None:
    with Subscriber(daemon.zeromq) as subscriber:
        subscriber.next()


def test_it_runs_without_tensorflow_until_a_float_model_is_asked_for(tmp_path: Path) -> None:
    with running_daemon(tmp_path, config("int8")) as daemon:
        daemon.wait_for("ready")
        answered(daemon)
        assert precision(daemon) == "int8"
        assert not loaded(daemon)
        assert resident_mb(daemon) < MOST_MB
        assert daemon.reload(model={"precision": "float32"}).startswith("applied detector=changed")
        answered(daemon)
        assert precision(daemon) == "float32"
        assert loaded(daemon)
        assert daemon.reload(model={"precision": "int8"}).startswith("applied detector=changed")
        answered(daemon)
        assert precision(daemon) == "int8"
        assert daemon.stop()[0] == 0
        assert "balanced=True" in daemon.log
        assert "Traceback" not in daemon.log


def test_it_runs_where_tensorflow_is_not_installed(tmp_path: Path) -> None:
    """Without it on the path, as after a lighter installation."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('tensorflow', 'keras'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
    )
    blocked = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    with running_daemon(tmp_path, config("int8"), environment=blocked) as daemon:
        daemon.wait_for("ready")
        answered(daemon)
        assert daemon.stop()[0] == 0
