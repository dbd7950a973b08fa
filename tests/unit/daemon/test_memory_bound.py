"""What grows without end fails alone, and reserved address space is nobody's concern."""

from __future__ import annotations

import subprocess
import sys

import pytest

from daemon.memory import available_to_us_mb, room_mb

BOUNDED = """
import ctypes, logging, threading
from daemon.memory import MB, MemoryBound
bound = MemoryBound(lambda: 0)  # nothing but the stacks of two cameras
bound.tighten(2)
grown = []
def grow():
    try:
        while True:
            grown.append(bytearray(8 * MB))
    except MemoryError:
        print("refused after", len(grown) * 8 <= 128)
        grown.clear()
thread = threading.Thread(target=grow)
thread.start()
thread.join()
small = [bytearray(1000) for _ in range(10_000)]
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
print("reserved", libc.mmap(None, 200 << 30, 0, 0x4022, -1, 0) != 2**64 - 1)
bound.lift()
print("lifted", len(bytearray(256 * MB)) > 0)
"""


def test_who_grows_without_end_is_refused_and_others_go_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.splitlines() == ["refused after True", "reserved True", "lifted True"]


@pytest.mark.parametrize(
    ("cameras", "available_mb", "room"),
    [
        (4, 64_000, 2048 + 4 * 512 + 4 * 64),
        (4, 2000, 1500 + 4 * 64),
        (256, 16_000, 12_000 + 256 * 64),
        (1, None, 2048 + 512 + 64),
    ],
)
def test_the_room_is_what_cameras_need_and_the_machine_has(
    cameras: int, available_mb: int | None, room: int
) -> None:
    assert room_mb(cameras, available_mb) == room


def test_this_process_has_some_memory_left() -> None:
    assert (available_to_us_mb() or 0) > 0
