"""The machine itself: its clock, how many files a process may open, its memory.

The `…_finding` functions are pure; what they judge is read by the functions below them.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

from daemon.clock import clock_synchronised as clock_synchronised
from daemon.descriptors import reachable_limit
from daemon.diagnosis.finding import Finding, fail, ok, warn

_OLDEST_NS = 1_767_225_600 * 10**9  # 2026: an earlier clock was never set

_FILES = 400  # libraries, sockets, 256 HTTP connections, a hundred subscribers
_FILES_PER_CAMERA = 4  # RTSP over UDP has three sockets
# Resident, measured with the bundled model and cameras of 1920×1080.
_MEMORY_MB = 900
_MEMORY_PER_CAMERA_MB = 30


def clock_finding(wall_ns: int, *, synchronised: bool | None) -> Finding:
    """`synchronised` is None where the kernel does not tell."""
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(wall_ns / 1e9))
    if wall_ns < _OLDEST_NS:
        return fail("clock", f"says {shown}", "set it: `timedatectl set-ntp true`")
    if synchronised is False:
        return warn(
            "clock",
            f"{shown}, not synchronised: published times drift",
            "`timedatectl set-ntp true` (a virtual machine may have its host's time; then all is"
            " well)",
        )
    return ok("clock", f"{shown}, synchronised" if synchronised else shown)


def open_files_finding(limit: int, cameras: int) -> Finding:
    """`limit` is the soft one; -1 is none."""
    needed = _FILES + _FILES_PER_CAMERA * cameras
    if limit in (-1, resource.RLIM_INFINITY):
        return ok("open files", "no limit")
    detail = f"{limit} allowed here, about {needed} needed"
    if limit < needed:
        todo = "`ulimit -Hn 65536`; the service has its own limit (LimitNOFILE=)"
        return warn("open files", detail, todo)
    return ok("open files", detail)


def memory_finding(available_mb: int | None, cameras: int) -> Finding:
    """Against a rough estimate, so it never fails."""
    needed_mb = _MEMORY_MB + _MEMORY_PER_CAMERA_MB * cameras
    if available_mb is None:
        return ok("memory", f"unknown; about {needed_mb} MB needed")
    detail = f"{available_mb} MB available, about {needed_mb} MB needed"
    if available_mb < needed_mb:
        return warn("memory", detail, "fewer cameras, smaller streams of them, or more memory")
    return ok("memory", detail)


def open_files_limit() -> int:
    """What `vedette run` would have: it takes as much as it is allowed to."""
    return reachable_limit(*resource.getrlimit(resource.RLIMIT_NOFILE))


def memory_available_mb(
    meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """Of the machine, or of the container's limit if that leaves less."""
    found = [_machine_bytes(meminfo), _container_bytes(cgroup)]
    known = [number for number in found if number is not None]
    return min(known) // 10**6 if known else None


def _machine_bytes(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next(
        (int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None
    )


def _container_bytes(cgroup: Path) -> int | None:
    try:
        limit = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        used = (cgroup / "memory.current").read_text(encoding="ascii").strip()
    except OSError:  # no container, or the first version of control groups
        return None
    return int(limit) - int(used) if limit != "max" else None
