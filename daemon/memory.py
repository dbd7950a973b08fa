"""What the process holds: what was freed goes back to the system, and what it may take is bounded.

glibc keeps freed memory in a heap for each thread, for that thread alone. Cameras that come and go,
at times in another size, would let every heap grow to its own peak: the process would hold what it
never needed at once, and a real leak could not be told from that.

Who asks for memory at the bound does not get it: a camera is then lost as `resources`, and gives
back what it held. Without a bound the kernel ends the process, and with it every camera.

RLIMIT_DATA counts what can be written and is shared with nobody. Address space that is only
reserved does not count: a GPU's driver reserves hundreds of gigabytes, which RLIMIT_AS would count.
"""

from __future__ import annotations

import ctypes
import logging
import re
import resource
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from daemon.books.states import CameraStatus
from daemon.clock import Clock
from daemon.diagnosis.machine import memory_available_mb

DELAY_S = 10.0  # a wave of reconnects is one occasion
MB = 2**20
AVAILABLE_SHARE = 0.75
ROOM_MB = 2048  # beside what is held once the model is warm
ROOM_PER_CAMERA_MB = 512  # a decoder of 4K pictures, with all that it may hold
STACKS_PER_CAMERA_MB = 64  # of its threads: never used, and counted all the same

log = logging.getLogger(__name__)


class FreedMemory:
    """Any thread tells that something was freed; `tick` belongs to the main thread."""

    def __init__(self, clock: Clock, trim: Callable[[int], object] | None = None) -> None:
        self._clock = clock
        self._trim = trim or _find_trim()
        self._due_s: float | None = None

    def status_changed(self, status: CameraStatus) -> None:
        """A camera that is not connected any more has closed its decoder."""
        if not status.state.is_up:
            self.note()

    def note(self) -> None:
        """Something large was freed, or is about to be."""
        if self._due_s is None:
            self._due_s = self._clock.now_s() + DELAY_S

    def tick(self) -> None:
        """Give back what was freed, some time after the first note of it."""
        if self._due_s is not None and self._clock.now_s() >= self._due_s:
            self._due_s = None
            self._trim(0)


def room_mb(cameras: int, available_mb: int | None) -> int:
    """What the process may take more than it has."""
    room = ROOM_MB + ROOM_PER_CAMERA_MB * cameras
    if available_mb is not None:
        room = min(room, int(AVAILABLE_SHARE * available_mb))
    return room + STACKS_PER_CAMERA_MB * cameras


def available_to_us_mb() -> int | None:
    """Of the machine, and of the control group that this process is in."""
    group = "/"
    with suppress(OSError, UnicodeError):
        found = re.search(r"^0::(/.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
        group = found[1] if found else "/"
    return memory_available_mb(cgroup=Path("/sys/fs/cgroup", group.lstrip("/")))


class MemoryBound:
    """`lift` while a model is loaded, `tighten` once it is warm. One thread at a time."""

    def __init__(self, available_mb: Callable[[], int | None] = available_to_us_mb) -> None:
        self._available_mb = available_mb

    def tighten(self, cameras: int) -> None:
        """From what is held now."""
        held_mb = _held_mb()
        if held_mb is not None:
            room = room_mb(cameras, self._available_mb())
            if _set((held_mb + room) * MB):
                log.info("memory bounded held_mb=%d room_mb=%d", held_mb, room)

    def lift(self) -> None:
        _set(resource.getrlimit(resource.RLIMIT_DATA)[1])


def _find_trim() -> Callable[[int], object]:
    """glibc's `malloc_trim`, which takes about a millisecond; other C libraries need none."""
    trim: Callable[[int], object] = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)
    return trim


def _held_mb() -> int | None:
    """What RLIMIT_DATA counts; None where the kernel does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^VmData:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) // 1024 if found else None


def _set(limit: int) -> bool:
    """The soft limit, never above the hard one."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard != resource.RLIM_INFINITY and limit != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    except (OSError, ValueError):
        return False
    return True
