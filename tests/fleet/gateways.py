"""Gateways of a fleet, each a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class GatewayProcess:
    """A real `vedette gateway`, one of several on this machine."""

    def __init__(self, folder: Path, name: str, port: int) -> None:
        self.name = name
        self.publishers, self.subscribers = (f"tcp://127.0.0.1:{port + n}" for n in (0, 1))
        self.http = f"127.0.0.1:{port + 2}"
        self._file = folder / f"gateway-{name}.yaml"
        self._log = folder / f"gateway-{name}.log"
        self._file.write_text(
            json.dumps(
                {
                    "version": 1,
                    "publishers": {"bind": self.publishers},
                    "subscribers": {"bind": self.subscribers},
                    "grants": str(folder / f"grants-{name}.json"),
                    "http": {"listen": self.http},
                }
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "daemon.cli", "gateway", str(self._file)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def stop(self, number: int = signal.SIGTERM) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(10)
