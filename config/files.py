"""Read regular files without ever blocking on what is none: a FIFO or a device is refused."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


class UnusableFileError(OSError):
    """The file cannot be used; the message says why in plain words, without its name.

    `is_unreadable` where it is not there or may not be read, whatever it is.
    """

    def __init__(self, message: str, *, is_unreadable: bool = False) -> None:
        super().__init__(message)
        self.is_unreadable = is_unreadable


def open_regular(path: Path) -> BufferedReader:
    """For reading. Raises OSError, at once, for what is no regular file either."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        raise OSError(errno.EINVAL, "is not a regular file", path)
    return os.fdopen(descriptor, "rb")


def read_small_file(path: Path, limit: int) -> tuple[bytes, int]:
    """Content and permission bits. Raises UnusableFileError, also for more than `limit` bytes."""
    content, mode = _read(path, limit + 1)
    if len(content) > limit:
        msg = f"is larger than {limit} bytes"
        raise UnusableFileError(msg)
    return content, mode


def read_regular_file(path: Path) -> bytes:
    """All of it. Raises UnusableFileError."""
    return _read(path, None)[0]


def check_regular_file(path: Path) -> None:
    """Raises UnusableFileError for what is not there, may not be read or is no regular file."""
    _read(path, 0)


def _read(path: Path, most: int | None) -> tuple[bytes, int]:
    """At most so many bytes, and the permission bits."""
    try:
        # O_NONBLOCK: opening a FIFO nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as exc:  # ValueError: NUL in the name, or not in the locale
        raise _unreadable(exc) from None
    try:
        mode = os.fstat(descriptor).st_mode
        content = _content(descriptor, most) if stat.S_ISREG(mode) else b""
    except OSError as exc:
        raise _unreadable(exc) from None
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(mode):
        raise UnusableFileError("is a directory" if stat.S_ISDIR(mode) else "is not a regular file")
    return content, stat.S_IMODE(mode)


def _content(descriptor: int, most: int | None) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read() if most is None else file.read(most)


def _unreadable(exc: OSError | ValueError) -> UnusableFileError:
    return UnusableFileError(f"cannot be read: {reason(exc)}", is_unreadable=True)


def reason(exc: OSError | ValueError) -> str:
    """In the system's words, small; never with the name."""
    if isinstance(exc, OSError) and exc.errno is not None:
        return os.strerror(exc.errno).lower()
    return "no file can have this name here"
