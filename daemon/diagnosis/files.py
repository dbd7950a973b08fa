"""What is wrong with a local file that is to be read, within a bounded time. No FFmpeg."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from config.files import UnusableFileError, check_regular_file
from daemon.background import bounded

PATIENCE_S = 0.5  # a file system that is well answers in milliseconds


def file_fault(path: Path) -> str | None:
    """What follows the file's name in a sentence; None for a file that can be read."""
    try:
        bounded(partial(check_regular_file, path), name=f"look:{path}", timeout_s=PATIENCE_S)
    except TimeoutError:
        return "is on a file system that does not answer"
    except UnusableFileError as error:
        return str(error)
    return None
