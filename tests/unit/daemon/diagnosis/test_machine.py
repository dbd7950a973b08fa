"""The machine is judged by what it has and what the cameras need."""

from __future__ import annotations

import ctypes
import resource
from pathlib import Path

import pytest

from daemon.diagnosis import machine
from daemon.diagnosis.finding import fail, ok, warn

NOW_NS = 1_795_000_000 * 10**9


def test_a_line_has_columns_and_says_what_to_do() -> None:
    assert ok("clock", "well").line(6) == "ok    clock   well"
    assert warn("clock", "off", "set it").line(6) == "warn  clock   off  → set it"
    assert fail("http", "taken", "free it").line(6) == "fail  http    taken  → free it"


@pytest.mark.parametrize(
    ("wall_ns", "synchronised", "verdict", "words"),
    [
        (NOW_NS, True, "ok", "2026-11-18 11:06:40 UTC, synchronised"),
        (NOW_NS, None, "ok", "2026-11-18 11:06:40 UTC"),
        (NOW_NS, False, "warn", "not synchronised"),
        (0, True, "fail", "says 1970-01-01"),
    ],
)
def test_a_clock_that_drifts_or_was_never_set_is_told(
    wall_ns: int, synchronised: bool | None, verdict: str, words: str
) -> None:
    found = machine.clock_finding(wall_ns, synchronised=synchronised)
    assert found.verdict == verdict
    assert words in found.detail


@pytest.mark.parametrize(
    ("limit", "cameras", "verdict"),
    [(1024, 4, "ok"), (1024, 256, "warn"), (-1, 256, "ok"), (resource.RLIM_INFINITY, 256, "ok")],
)
def test_open_files_must_do_for_the_cameras(limit: int, cameras: int, verdict: str) -> None:
    assert machine.open_files_finding(limit, cameras).verdict == verdict


@pytest.mark.parametrize(
    ("available_mb", "cameras", "verdict"),
    [(2000, 4, "ok"), (2000, 64, "warn"), (None, 4, "ok")],
)
def test_memory_must_do_for_the_cameras(
    available_mb: int | None, cameras: int, verdict: str
) -> None:
    assert machine.memory_finding(available_mb, cameras).verdict == verdict


class Libc:
    """A C library whose adjtimex gives the same answer every time."""

    def __init__(self, state: int) -> None:
        self.state = state
        self.asked: list[bytes] = []

    def adjtimex(self, timex: ctypes.Array[ctypes.c_char]) -> int:
        self.asked.append(timex.raw)
        return self.state


@pytest.mark.parametrize(("state", "synchronised"), [(0, True), (1, True), (5, False), (-1, None)])
def test_the_kernel_is_asked_and_not_changed(
    monkeypatch: pytest.MonkeyPatch, state: int, synchronised: bool | None
) -> None:
    libc = Libc(state)
    monkeypatch.setattr("ctypes.CDLL", lambda _: libc)
    assert machine.clock_synchronised() is synchronised
    assert libc.asked == [bytes(256)]  # modes 0: nothing is set


def test_the_real_kernel_answers() -> None:
    assert machine.clock_synchronised() is not None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft <= machine.open_files_limit() <= max(soft, hard, 8192)
    assert (machine.memory_available_mb() or 0) > 0


def test_a_c_library_without_adjtimex_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert machine.clock_synchronised() is None


class Memory:
    """Files as the kernel writes them."""

    def __init__(self, folder: Path) -> None:
        self.meminfo = folder / "meminfo"
        self.cgroup = folder

    def machine(self, kilobytes: int) -> None:
        self.meminfo.write_text(f"MemTotal: 9 kB\nMemAvailable:   {kilobytes} kB\n")

    def container(self, limit: str, used: int) -> None:
        (self.cgroup / "memory.max").write_text(f"{limit}\n")
        (self.cgroup / "memory.current").write_text(f"{used}\n")

    @property
    def available_mb(self) -> int | None:
        return machine.memory_available_mb(self.meminfo, self.cgroup)


def test_memory_is_what_machine_and_container_leave(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert memory.available_mb is None
    memory.machine(4_000_000)
    assert memory.available_mb == 4096
    memory.container("max", 10**9)
    assert memory.available_mb == 4096
    memory.container("3000000000", 10**9)
    assert memory.available_mb == 2000


def test_memory_that_no_line_tells_is_unknown(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.meminfo.write_text("MemTotal: 9 kB\n")
    assert memory.available_mb is None
