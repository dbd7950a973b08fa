"""Read a small regular file without ever blocking: a FIFO, a device or a huge file is refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class UnusableFileError(OSError):
    """The file cannot be used; the message says why in plain words, without its name."""


def read_small_file(path: Path, limit: int) -> tuple[bytes, int]:
    """Content and permission bits. Raises UnusableFileError, also for more than `limit` bytes."""
    try:
        # O_NONBLOCK: opening a FIFO nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as exc:  # ValueError: NUL in the name
        raise UnusableFileError(_reason(exc)) from None
    try:
        mode = os.fstat(descriptor).st_mode
        content = _content(descriptor, limit) if stat.S_ISREG(mode) else b""
    except OSError as exc:
        raise UnusableFileError(_reason(exc)) from None
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(mode):
        raise UnusableFileError("is a directory" if stat.S_ISDIR(mode) else "is not a regular file")
    if len(content) > limit:
        msg = f"is larger than {limit} bytes"
        raise UnusableFileError(msg)
    return content, stat.S_IMODE(mode)


def _content(descriptor: int, limit: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(limit + 1)


def _reason(exc: OSError | ValueError) -> str:
    if isinstance(exc, OSError) and exc.errno is not None:
        return f"cannot be read: {os.strerror(exc.errno).lower()}"
    return "cannot be read"
