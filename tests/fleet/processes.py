"""Processes by their numbers: who is below whom, and which one a number means."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """One process, and no other one that is given its number later."""

    pid: int
    started: int  # clock ticks since the machine's start

    @classmethod
    def of(cls, pid: int) -> Process | None:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        return cls(pid, int(stat.rsplit(")", 1)[1].split()[19]))

    def signal(self, number: int) -> None:
        """Nothing where it has ended."""
        if Process.of(self.pid) == self:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def lives(pid: int) -> bool:
    """Whether it does anything any more: one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def below(pid: int) -> list[int]:
    """All descendants of a process."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError, ValueError, IndexError):
                children.setdefault(parent(int(entry.name)), []).append(int(entry.name))
    found, open_ = [], [pid]
    while open_:
        for child in children.get(open_.pop(), []):
            found.append(child)
            open_.append(child)
    return found
