"""A real `vedette gateway` in a process of its own, and publishers as daemons have them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.schema import ConnectConfig, ZeromqConfig
from daemon.clock import SystemClock
from sinks.sink import SinkWorker
from sinks.zeromq import ZeromqSink
from tests.support.daemon_process import ROOT, free_port
from tests.support.waiting import until

START_S = 30.0


class GatewayProcess:
    """Listens on free ports of loopback; `sections` are added to its configuration."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        self.publishers = f"tcp://127.0.0.1:{free_port()}"
        self.subscribers = f"tcp://127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        config: dict[str, Any] = {
            "version": 1,
            "publishers": {"bind": self.publishers},
            "subscribers": {"bind": self.subscribers},
            "http": {"listen": self.http},
            "grants": str(folder / "grants.json"),
        }
        for name, section in sections.items():
            config[name] = config[name] | section if isinstance(section, dict) else section
        folder.mkdir(exist_ok=True)
        self.config = folder / "gateway.yaml"
        self.config.write_text(json.dumps(config))
        self.start()

    def start(self) -> None:
        """Also again, after its end."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "daemon.cli", "gateway", str(self.config)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, args=[self.process], daemon=True)
        self._reader.start()
        until(lambda: self.process.poll() is not None or "listening" in self.log, START_S)
        assert "listening" in self.log, self.log

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def get(self, path: str, token: str = "") -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"http://{self.http}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def get_json(self, path: str) -> Any:
        return json.loads(self.get(path)[1])

    def kill(self) -> None:
        self.process.kill()
        self._ended()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        return self._ended()

    def _ended(self) -> int:
        code = self.process.wait(10)
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self.lines.append(line.rstrip())


@contextlib.contextmanager
def running_gateway(folder: Path, **sections: Any) -> Iterator[GatewayProcess]:
    """Killed at the end if the test did not stop it."""
    gateway = GatewayProcess(folder, **sections)
    try:
        yield gateway
    finally:
        if gateway.process.poll() is None:
            gateway.kill()


@contextlib.contextmanager
def publishing_to(
    *gateways: str, wait: bool = True, encoding: str = "json", **connect: Any
) -> Iterator[tuple[SinkWorker, ZeromqSink]]:
    """A daemon's ZeroMQ sink that connects to these addresses."""
    to = ConnectConfig(to=list(gateways), **connect)
    sink = ZeromqSink(ZeromqConfig(connect=to, encoding=encoding), SystemClock())
    worker = SinkWorker(sink, SystemClock(), capacity=100_000)
    worker.open()
    worker.start()
    try:
        if wait:
            until(lambda: sink.subscribers == len(gateways), 10)
        yield worker, sink
    finally:
        assert worker.stop(1.0)
