"""What a command was started in, where that is what failed it: in words, instead of a traceback.

Each verb names the faults that it expects; this is for those that may come at any place: no memory,
no threads, a folder that was removed, a locale that has no way to write a name.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from daemon.background import Background

LOOK_S = 2.5
_NO_MEMORY = "out of memory: see `ulimit -v` and `free -m`"
_NO_THREAD = "can't start new thread"
_UNMAPPED = ("failed to map segment", "cannot allocate memory", "cannot apply additional memory")


def surroundings(error: Exception) -> str | None:
    """One line; None for what is a fault of ours."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return _NO_MEMORY
    if isinstance(error, ImportError):
        return _NO_MEMORY if any(words in str(error).lower() for words in _UNMAPPED) else None
    if isinstance(error, RuntimeError):
        return f"{error}: see `ulimit -u` and `ulimit -v`" if str(error) == _NO_THREAD else None
    if isinstance(error, UnicodeEncodeError):
        encoding = sys.getfilesystemencoding()
        return f"this locale ({encoding}) has no way to write a name: set LC_ALL=C.UTF-8"
    if not isinstance(error, OSError):
        return None
    if _here_is_gone():
        return "the current folder was removed: change to another one"
    if "No usable temporary directory" in str(error):
        return "no folder for temporary files can be written: set TMPDIR to one that can"
    named = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{named}{error.strerror or error}"


def unanswering(values: Iterable[object]) -> Path | None:
    """The path among a command's arguments that is on a file system which does not answer: a
    network mount whose server is away would hold whoever reads there, without a word.
    """
    groups = [value if isinstance(value, list) else [value] for value in values]
    looked_at: list[Path] = []

    def look() -> None:
        for path in (path for group in groups for path in map(_path, group) if path):
            looked_at.append(path)
            with suppress(OSError, ValueError):  # what is not there is for the verb to tell
                path.stat()

    work, seen = Background("look", look, daemon=True), 0
    while not work.wait(LOOK_S):
        if len(looked_at) == seen:
            return looked_at[-1]
        seen = len(looked_at)
    return None


def _path(value: object) -> Path | None:
    """Weights and detectors are asked for by name or by path."""
    is_path = isinstance(value, str) and "/" in value and "://" not in value
    return Path(str(value)) if is_path or isinstance(value, Path) else None


def _here_is_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd() is the same, and makes a path of it
    except OSError:
        return True
    return False
