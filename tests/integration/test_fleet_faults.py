"""A fleet on Ray, in its short form; `make fleet-faults` has the whole matrix."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys

import pytest

from tests.fleet.inside import ROOT, can_be_apart
from tests.support import require

pytestmark = [pytest.mark.integration, pytest.mark.fault]

LIMIT_S = 240.0  # a minute where nothing else runs


@pytest.mark.timeout(LIMIT_S + 20)
def test_a_fleet_survives_a_drain_a_killed_daemon_and_a_killed_server() -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed (vedette[cluster])")
    require.program("unshare", package="util-linux")
    require.program("ip", package="iproute2")
    if not can_be_apart():
        pytest.skip("no network namespace can be made here")
    rig = subprocess.Popen(
        [sys.executable, "-m", "tests.fleet.inside", "short"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Not in pytest's folder: a path of a socket has 107 bytes at most, and Ray's are long.
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    try:
        out, err = rig.communicate(timeout=LIMIT_S)
    finally:
        if rig.poll() is None:
            os.killpg(rig.pid, signal.SIGKILL)
            rig.communicate()
    lines = [line for line in out.splitlines() if line.startswith("{")]
    assert lines, err[-3000:]
    measures = json.loads(lines[-1])["measures"]
    assert len(measures) >= 7
    missed = [m for m in measures if not m["bearable"]]
    assert not missed, f"{missed}\n{err[-3000:]}"
