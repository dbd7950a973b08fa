"""What some tests need and not every machine has.

Without it the test is skipped, or fails where VEDETTE_TEST_REQUIRE_ALL=1 allows no gap.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import pytest

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Debian's GStreamer packages belong to
_RTSP_SERVER = """
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
missing = [e for e in ("qtdemux", "h264parse", "rtph264pay") if not Gst.ElementFactory.find(e)]
raise SystemExit(f"missing: {missing}" if missing else 0)
"""


def program(name: str, *, package: str) -> str:
    """Path of a program of a Debian package."""
    path = shutil.which(name)
    if path is None:
        _absent(f"{name} is not installed (Debian package {package})")
    return str(path)


def gstreamer_rtsp_server() -> str:
    """The Python that can serve RTSP."""
    if not _can_serve_rtsp():
        _absent("GStreamer's RTSP server is not installed (see tests/apt-packages.txt)")
    return SYSTEM_PYTHON


def python_package(name: str, *, least: int) -> None:
    """A distribution of at least this major version, in the environment that runs the tests."""
    try:
        there = version(name)
    except PackageNotFoundError:
        there = "0"
    if int(there.split(".")[0]) < least:
        _absent(f"{name} {least} or newer is not installed (see constraints.txt)")


@cache
def _can_serve_rtsp() -> bool:
    try:
        found = subprocess.run(
            [SYSTEM_PYTHON, "-c", _RTSP_SERVER], capture_output=True, timeout=30, check=False
        )
    except OSError:
        return False
    return found.returncode == 0


def _absent(reason: str) -> None:
    if os.environ.get("VEDETTE_TEST_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
