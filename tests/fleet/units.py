"""A server's Ray as its systemd unit runs it: `ray start --block`, again whenever that ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.fleet.processes import Process, below

RESTART_S = 2.0  # RestartSec of vedette-fleet-node.service
STORE_BYTES = 80 * 1024**2
FIRST_PORT = 21200  # of Ray's agents, each of which has one


class NodeUnit:
    """`start`, and `stop` at the end. `exits` are the codes that it ended with by itself."""

    def __init__(
        self, name: str, head: str, *, number: int, before: Sequence[str] = (), ip: str = ""
    ) -> None:
        """`number` is another one for each; `before` is what comes before the command, where it
        runs in a network of its own, in which it has this `ip`.
        """
        self.exits: list[int] = []
        self._command = [
            *before, str(Path(sys.executable).with_name("ray")),
            "start", "--block", f"--address={head}",
            "--num-cpus=1", f"--resources={json.dumps({f'vedette:{name}': 1})}",
            f"--object-store-memory={STORE_BYTES}", "--min-worker-port=0", "--max-worker-port=0",
            f"--dashboard-agent-listen-port={FIRST_PORT + number}",
            *([f"--node-ip-address={ip}"] if ip else []),
        ]  # fmt: skip
        # What the head keeps on disk is the head's alone.
        self._env = {k: v for k, v in os.environ.items() if not k.startswith("RAY_gcs_storage")}
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"unit:{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def roots(self) -> list[int]:
        """Numbers of the processes that it has started and that live."""
        process = self._process
        return [process.pid] if process is not None and process.poll() is None else []

    def stop(self) -> None:
        self._stopping.set()
        tree = [Process.of(pid) for root in self.roots for pid in [root, *below(root)]]
        for process in tree:
            if process is not None:
                process.signal(9)
        self._thread.join(RESTART_S + 5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(OSError):
                self._process = subprocess.Popen(
                    self._command,
                    env=self._env,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                self.exits.append(self._process.wait())
            self._stopping.wait(RESTART_S)
