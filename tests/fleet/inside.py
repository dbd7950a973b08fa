"""A test of its own network: what is run here is alone with a loopback interface.

python -m tests.fleet.inside ROW … prints a line of JSON with what each row measured. It makes a
network namespace for itself first, so that no Ray of this machine is met.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).parents[2]
APART = "VEDETTE_FLEET_APART"


def can_be_apart() -> bool:
    """Whether this machine lets us make a network namespace."""
    made = subprocess.run(
        ["unshare", "--net", "--user", "--map-root-user", "true"]
        if os.getuid()
        else ["unshare", "--net", "true"],
        capture_output=True,
        check=False,
        timeout=10,
    )
    return made.returncode == 0


def main(rows: list[str]) -> int:
    if os.environ.get(APART) != "1":
        mapped = ["--user", "--map-root-user"] if os.getuid() else []
        command = ["unshare", "--net", *mapped, sys.executable, "-m", "tests.fleet.inside", *rows]
        return subprocess.call(command, cwd=ROOT, env=os.environ | {APART: "1"})
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
    from tests.fleet.matrix import ROWS
    from tests.fleet.play import play
    from tests.fleet.short import SHORT

    folder = Path(mkdtemp(prefix="vedette-fleet-"))
    os.environ |= {"HOME": str(folder), "RAY_TMPDIR": str(folder)}  # Ray writes to both
    try:
        for name in rows or list(ROWS):
            row = SHORT if name == "short" else ROWS[name]
            print(json.dumps(play(name, row, folder / name)), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
