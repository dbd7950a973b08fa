"""Messages as one JSON object per line, in a file that is rotated by size."""

from __future__ import annotations

import math
import os
from pathlib import Path

from config.schema import JsonlConfig
from sinks.clock import Clock
from sinks.envelope import Envelope, stamped
from sinks.messages import Kind, json_line
from sinks.sink import SinkError

FILE_MODE = 0o640
LOOK_S = 1.0  # between two looks whether somebody moved the file away


class JsonlSink:
    """Appends detections, events and changes of state to `path`; `path.1` is the newest rotated
    file.

    A line is written by one unbuffered write: it is in the file, whole, before the next message
    is taken. Where a full disk cut one short, the next line that fits begins on a line of its own.
    """

    name = "jsonl"
    kinds = frozenset({Kind.DETECTION, Kind.STATUS, Kind.EVENT})

    def __init__(self, config: JsonlConfig, clock: Clock) -> None:
        self._path = config.path
        self._rotate_bytes = int(config.rotate_mb * 1e6)
        self._keep = config.keep
        self._clock = clock
        self._file: _LineFile | None = None
        self._next_look_s = -math.inf

    def open(self) -> None:
        """Raises SinkError, also where the folder is missing: a typing error makes no folder."""
        try:
            self._file = _LineFile(self._path)
        except OSError as error:
            raise self._failed(error) from error

    def write(self, envelope: Envelope) -> int:
        """Append one line; returns its size. Raises SinkError and opens the file anew next time."""
        message = stamped(envelope, wall_ns=self._clock.wall_ns(), now_s=self._clock.now_s())
        line = json_line(message)
        try:
            file = self._file or _LineFile(self._path)
            self._file = file
            if file.size > 0 and file.size + len(line) > self._rotate_bytes:
                file = self._rotate(file)
            file.append(line)
        except OSError as error:
            self.close()
            raise self._failed(error) from error
        return len(line)

    def idle(self) -> None:
        """Follow an outside logrotate: begin a new file where ours was moved or deleted."""
        now_s = self._clock.now_s()
        if now_s < self._next_look_s:
            return
        self._next_look_s = now_s + LOOK_S
        if self._file is not None and not self._file.is_at(self._path):
            self.close()  # the next line opens it

    def close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _rotate(self, file: _LineFile) -> _LineFile:
        """Shift `path` to `path.1`, that to `path.2` …, and begin a new file."""
        self.close()
        if file.is_at(self._path):
            for number in range(self._keep, 0, -1):
                older = self._numbered(number - 1)
                if older.exists():
                    older.replace(self._numbered(number))
            if self._keep == 0:
                self._path.unlink()
        self._file = _LineFile(self._path)
        return self._file

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    def _failed(self, error: OSError) -> SinkError:
        return SinkError(f"{self._path}: {error.strerror}")


class _LineFile:
    """An append-only file that knows its size and whether its last line is whole."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, FILE_MODE)
        status = os.fstat(self._descriptor)
        self._identity = (status.st_dev, status.st_ino)
        self.size = status.st_size
        self._torn = self.size > 0 and os.pread(self._descriptor, 1, self.size - 1) != b"\n"

    def append(self, line: bytes) -> None:
        """Raises OSError; then the file may end in the middle of the line."""
        rest = b"\n" + line if self._torn else line
        while rest:
            written = os.write(self._descriptor, rest)
            self.size += written
            self._torn = True
            rest = rest[written:]
        self._torn = False

    def is_at(self, path: Path) -> bool:
        try:
            status = path.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def close(self) -> None:
        os.close(self._descriptor)
