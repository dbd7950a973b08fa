"""A server whose head was replaced ends: its raylet would wait for the old one for ever."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from daemon.fleet.head import HeadWatch, end_raylet


@pytest.mark.parametrize(("found", "replaced"), [("a1", False), ("b2", True), (None, False)])
def test_only_a_head_of_another_cluster_has_taken_the_place_of_ours(
    found: str | None, replaced: bool
) -> None:
    assert HeadWatch("a1", lambda: found).replaced() is replaced


def test_a_raylet_is_killed_so_that_its_unit_ends_with_a_failure(tmp_path: Path) -> None:
    raylet = tmp_path / "raylet"
    shutil.copy("/bin/sleep", raylet)
    with subprocess.Popen([raylet, "60"]) as process:
        assert end_raylet(process.pid)
        assert process.wait(1) == -signal.SIGKILL


def test_nothing_but_a_raylet_is_ended() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        assert not end_raylet(other.pid)
        assert other.poll() is None
        other.kill()
    assert not end_raylet(2**22 + 1), "nobody has this number"
