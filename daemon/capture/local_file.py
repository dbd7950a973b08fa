"""A `file:` camera's file, before FFmpeg opens it: nothing can interrupt it in there."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from config.files import UnusableFileError, check_regular_file
from daemon.background import bounded
from daemon.capture.errors import CaptureError, Cause


def check_file(path: Path, timeout_s: float) -> None:
    """Raises CaptureError for what is no regular file, or on a file system that does not answer."""
    try:
        bounded(partial(check_regular_file, path), name=f"look:{path}", timeout_s=timeout_s)
    except TimeoutError:
        kind, detail = Cause.TIMEOUT, "the file system does not answer"
    except UnusableFileError as error:
        kind = Cause.NOT_FOUND if error.is_unreadable else Cause.CODEC
        detail = str(error)
    else:
        return
    raise CaptureError(kind, detail)
