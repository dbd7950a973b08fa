"""A server in a network namespace of its own, joined to the others by a cable that can be cut.

Somebody listens inside it too: who is on the other side of a cut cable hears nothing of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.fleet.processes import Process, below

ROOT = Path(__file__).parents[2]
OUTER, INNER = "10.77.0.1", "10.77.0.11"
CABLE = "cable"


class ApartServer:
    """`open` its namespace, `join` a fleet, `listen` in it; `cut`, `mend` the cable; `close`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._holder: subprocess.Popen[bytes] | None = None
        self._raylet: subprocess.Popen[bytes] | None = None
        self._witness: subprocess.Popen[str] | None = None

    def open(self) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "900"])
        time.sleep(0.3)
        pid = str(self._holder.pid)
        _ip("link", "add", CABLE, "type", "veth", "peer", "name", "plug", "netns", pid)
        _ip("addr", "add", f"{OUTER}/24", "dev", CABLE)
        _ip("link", "set", CABLE, "up")
        for words in (
            ("addr", "add", f"{INNER}/24", "dev", "plug"),
            ("link", "set", "plug", "up"),
            ("link", "set", "lo", "up"),
        ):
            subprocess.run([*self._inside, "ip", *words], check=True, timeout=10)

    def join(self, head: str, store_bytes: int) -> None:
        """Start its raylet."""
        resources = json.dumps({f"vedette:{self.name}": 1})
        ray = Path(sys.executable).with_name("ray")
        self._raylet = subprocess.Popen(
            [
                *self._inside, str(ray), "start", "--block", f"--address={head}",
                f"--node-ip-address={INNER}", "--num-cpus=1", f"--resources={resources}",
                f"--object-store-memory={store_bytes}",
            ],
            stdout=subprocess.DEVNULL,
            # What the head keeps on disk is the head's alone.
            env={k: v for k, v in os.environ.items() if not k.startswith("RAY_gcs_storage")},
        )  # fmt: skip

    def listen(self, endpoint: str, heard: list[Any], make: Any) -> None:
        """Answers that are published in there are put into `heard`, as `make` makes them."""
        self._witness = subprocess.Popen(
            [*self._inside, sys.executable, "-m", "tests.fleet.witness", endpoint],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

        def read(out: Any) -> None:
            for line in out:
                heard.append(make(**json.loads(line)))

        threading.Thread(target=read, args=(self._witness.stdout,), daemon=True).start()

    def cut(self) -> None:
        _ip("link", "set", CABLE, "down")

    def mend(self) -> None:
        _ip("link", "set", CABLE, "up")

    def close(self) -> None:
        pids = [p.pid for p in (self._raylet, self._witness) if p is not None]
        tree = [Process.of(n) for pid in pids for n in [pid, *below(pid)]]
        for process in tree:
            if process is not None:
                process.signal(9)
        for started in (self._raylet, self._witness, self._holder):
            if started is not None:
                with suppress(ProcessLookupError):
                    started.kill()
                started.wait(10)

    @property
    def _inside(self) -> list[str]:
        assert self._holder is not None
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", "--"]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=10)
