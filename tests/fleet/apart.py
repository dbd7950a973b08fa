"""A server in a network namespace of its own, joined to the others by a cable that can be cut.

Somebody listens inside it too: who is on the other side of a cut cable hears nothing of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.fleet.units import NodeUnit

ROOT = Path(__file__).parents[2]
OUTER, INNER = "10.77.0.1", "10.77.0.11"
CABLE = "cable"


class ApartServer:
    """`open` its namespace, `join` a fleet, `listen` in it; `cut`, `mend` the cable; `close`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._holder: subprocess.Popen[bytes] | None = None
        self._raylet: NodeUnit | None = None
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

    def join(self, head: str) -> None:
        """Start its raylet, as its unit does."""
        self._raylet = NodeUnit(self.name, head, number=9, before=self._inside, ip=INNER)
        self._raylet.start()

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
        if self._raylet is not None:
            self._raylet.stop()
        for started in (self._witness, self._holder):
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
