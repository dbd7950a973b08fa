"""What a camera's refusal means, in words that a person can act on. Pure functions."""

from __future__ import annotations

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.rtsp.messages import Answer

_OTHER = {"tcp": "udp", "udp": "tcp"}
_WORDS = {
    403: (Cause.FORBIDDEN, "the camera knows this user, who may not watch this stream"),
    404: (Cause.NOT_FOUND, ""),
    410: (Cause.NOT_FOUND, ""),
    453: (
        Cause.FULL,
        "the camera serves no more viewers: end another one, or allow more there",
    ),
    500: (Cause.BUSY, "the camera failed inside; it is tried again soon"),
    502: (Cause.BUSY, "the recorder does not reach its camera; it is tried again soon"),
    503: (Cause.BUSY, "the camera is busy; it is tried again soon"),
    504: (Cause.BUSY, "the recorder does not reach its camera; it is tried again soon"),
}
_REJECTIONS = {
    400: "the camera did not understand",
    405: "the camera does not allow it",
    454: "the camera has forgotten the session",
    455: "the camera is not ready for it",
    459: "the camera wants all its streams asked for at once",
    501: "the camera cannot do it",
    551: "the camera lacks an option",
}


def check(answer: Answer, method: str, *, transport: str = "tcp") -> None:
    """Raises CaptureError for an answer that is a refusal."""
    status = answer.status
    if 200 <= status < 300:
        return
    if method == "SETUP" and status in (406, 461):
        raise refused_transport(transport, f"({status} to SETUP)")
    if status in _WORDS:
        kind, words = _WORDS[status]
        raise CaptureError(kind, f"{words} ({status} to {method})" if words else "")
    if 300 <= status < 400:
        raise CaptureError(Cause.REDIRECTED, f"in the middle of a conversation ({method})")
    words = _REJECTIONS.get(status, "the camera refuses")
    raise CaptureError(Cause.REJECTED, f"{words} ({status} to {method})")


def refused_transport(transport: str, why: str) -> CaptureError:
    detail = f"the camera does not send over {transport.upper()} {why}: set transport:"
    return CaptureError(Cause.TRANSPORT, f"{detail} {_OTHER[transport]}")
