"""What goes wrong with data that people collected.

DataError   a data set cannot be used at all: a user's error
Fault       one picture, box or entry is left out; the rest is used
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class DataError(Exception):
    """The message is one line and names the file and the way out."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that was skipped, and why."""

    file: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"
