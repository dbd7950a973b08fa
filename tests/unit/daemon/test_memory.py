"""Freed memory goes back once for many occasions, and never without one."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from daemon.books.states import CameraState, CameraStatus
from daemon.memory import DELAY_S, FreedMemory
from tests.support.fakes import FakeClock


def told(memory: FreedMemory, state: CameraState) -> None:
    memory.status_changed(CameraStatus("gate", state))


def test_a_wave_of_losses_is_one_occasion() -> None:
    clock, trims = FakeClock(), list[int]()
    memory = FreedMemory(clock, trims.append)
    for _ in range(4):
        told(memory, CameraState.BACKOFF)
        clock.advance(DELAY_S / 4)
        assert trims == []
        memory.tick()
    assert trims == [0]
    clock.advance(100)
    memory.tick()
    assert trims == [0]


@pytest.mark.parametrize("state", [state for state in CameraState if state.is_up])
def test_a_camera_that_delivers_has_freed_nothing(state: CameraState) -> None:
    clock, trims = FakeClock(), list[int]()
    memory = FreedMemory(clock, trims.append)
    told(memory, state)
    clock.advance(100)
    memory.tick()
    assert trims == []


def test_glibc_gives_pages_back() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    blocks = [libc.malloc(60_000) for _ in range(1000)]
    for block in blocks:
        ctypes.memset(block, 1, 60_000)
    last = libc.malloc(60_000)  # what lies before it cannot simply be cut off
    for block in blocks:
        libc.free(block)
    before = resident()
    memory = FreedMemory(clock := FakeClock())
    memory.note()
    clock.advance(DELAY_S)
    memory.tick()
    libc.free(last)
    assert before - resident() > 40e6


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
