"""What the status of a web answer means, in words that a person can act on. Pure functions."""

from __future__ import annotations

from daemon.capture.errors import CaptureError, Cause

_WORDS = {
    403: (Cause.FORBIDDEN, "the camera does not let this user see that"),
    404: (Cause.NOT_FOUND, ""),
    410: (Cause.NOT_FOUND, ""),
    429: (Cause.BUSY, "it is asked too often: a lower detect.fps may do"),
    500: (Cause.BUSY, "the camera failed inside; it is tried again soon"),
    502: (Cause.BUSY, "the recorder does not reach its camera; it is tried again soon"),
    503: (Cause.BUSY, "the camera is busy, or serves no more viewers; it is tried again soon"),
    504: (Cause.BUSY, "the recorder does not reach its camera; it is tried again soon"),
}


def check(status: int) -> None:
    """Raises CaptureError for a status that is a refusal."""
    if 200 <= status < 300:
        return
    if status in _WORDS:
        kind, words = _WORDS[status]
        raise CaptureError(kind, f"{words} ({status})" if words else "")
    raise CaptureError(Cause.REJECTED, f"the camera refuses ({status})")
