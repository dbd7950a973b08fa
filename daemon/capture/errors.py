"""Why a stream was lost or could not be opened, in words that are safe to log and to label with.

CaptureError
    `kind` says what happened; FAST kinds are retried with an exponential wait, SLOW ones after
    `reconnect.slow_s`, FINAL ones only after the configuration has changed.

PyAV's exceptions carry the URL, and with it the password, in their text and their arguments. They
stop here: `guarded` judges them by class, number and elapsed time, and raises a CaptureError that
holds no reference to them.
"""

from __future__ import annotations

import builtins
import errno
import socket
from collections.abc import Callable
from enum import StrEnum
from typing import Literal, TypeVar

import av
import av.error

from daemon.clock import Clock

Medium = Literal["network", "file", "device"]
T = TypeVar("T")


class Kind(StrEnum):
    """What happened to a stream; the `reason` of a camera's status."""

    EOF = "eof"  # the other side ended the stream; the end of a file
    TIMEOUT = "timeout"  # silence for longer than the configuration allows
    REFUSED = "refused"  # nothing listens there
    RESET = "reset"  # the connection broke
    UNREACHABLE = "unreachable"  # no route to the host
    DNS = "dns"  # the host name does not resolve
    AUTH = "auth"  # user or password refused, or none given (401)
    FORBIDDEN = "forbidden"  # the login is right and may not watch (403)
    LOGIN_METHOD = "login_method"  # it wants a way to log in that is not known here
    CERTIFICATE = "certificate"  # signed by nobody who is trusted
    NOT_FOUND = "not_found"  # no such path (404) or file
    REDIRECTED = "redirected"  # it leads to another host, where nobody sent us
    TRANSPORT = "transport"  # it sends over the other of tcp and udp (461, 406)
    FULL = "full"  # it serves no more viewers (453)
    BUSY = "busy"  # it cannot just now (500, 503)
    REJECTED = "rejected"  # another refusal, named by its number
    PROTOCOL = "protocol"  # an answer that is none
    NO_VIDEO = "no_video"  # only sound, or nothing
    CODEC = "codec"  # a format that cannot be read or decoded
    NO_KEYFRAME = "no_keyframe"  # pictures come, and none of them to begin with
    FLOOD = "flood"  # far more data than a picture can have, and no picture
    DECODER = "decoder"  # data comes, and no picture can be made of it
    TOO_LARGE = "too_large"  # pictures beyond 7680×4320
    DEVICE = "device"  # absent, busy or unplugged
    RESOURCES = "resources"  # out of file descriptors, memory or threads
    CONFIG = "config"  # the configuration cannot work
    INTERNAL = "internal"  # a fault of ours


SLOW = frozenset(
    {
        Kind.AUTH,
        Kind.FORBIDDEN,
        Kind.LOGIN_METHOD,
        Kind.CERTIFICATE,
        Kind.NOT_FOUND,
        Kind.REDIRECTED,
        Kind.TRANSPORT,
        Kind.NO_VIDEO,
        Kind.CODEC,
        Kind.TOO_LARGE,
    }
)
FINAL = frozenset({Kind.CONFIG})

_CLASSES: tuple[tuple[type[BaseException], Kind], ...] = (
    (av.error.HTTPUnauthorizedError, Kind.AUTH),
    (av.error.HTTPNotFoundError, Kind.NOT_FOUND),
    (av.error.HTTPError, Kind.PROTOCOL),
    (av.error.ExitError, Kind.TIMEOUT),  # PyAV's own deadline interrupted the call
    (av.error.DecoderNotFoundError, Kind.CODEC),
    (socket.gaierror, Kind.DNS),
    (builtins.EOFError, Kind.EOF),
    (builtins.TimeoutError, Kind.TIMEOUT),
    (builtins.ConnectionRefusedError, Kind.REFUSED),
    (builtins.ConnectionError, Kind.RESET),
    (builtins.FileNotFoundError, Kind.NOT_FOUND),
    (builtins.MemoryError, Kind.RESOURCES),
)
_NUMBERS = {
    av.error.tag_to_code(b"\xf8403"): Kind.AUTH,
    errno.EHOSTUNREACH: Kind.UNREACHABLE,
    errno.EHOSTDOWN: Kind.UNREACHABLE,
    errno.ENETUNREACH: Kind.UNREACHABLE,
    errno.ENETDOWN: Kind.UNREACHABLE,
    errno.EMFILE: Kind.RESOURCES,
    errno.ENFILE: Kind.RESOURCES,
    errno.ENOBUFS: Kind.RESOURCES,
}
_OTHERWISE: dict[Medium, Kind] = {
    "network": Kind.PROTOCOL,
    "file": Kind.CODEC,
    "device": Kind.DEVICE,
}
_NEARLY = 0.9  # of a timeout: FFmpeg reports an interrupted open as invalid data


class CaptureError(Exception):
    """A stream was lost or not opened. `detail` is our own text, never another library's."""

    def __init__(self, kind: Kind, detail: str = "") -> None:
        super().__init__(f"{kind.value}: {detail}" if detail else kind.value)
        self.kind = kind
        self.detail = detail


def classify(
    error: BaseException, *, medium: Medium, opening: bool, elapsed_s: float, timeout_s: float
) -> Kind:
    """Name an exception of PyAV or the operating system; its text is never read."""
    number = getattr(error, "errno", None)
    if number in _NUMBERS:
        return _NUMBERS[number]
    if medium == "device" and isinstance(error, OSError):
        return Kind.DEVICE
    if medium == "network" and number == errno.EIO:
        return Kind.DNS if opening else Kind.RESET  # FFmpeg's code for a failed name look-up
    for class_, kind in _CLASSES:
        if isinstance(error, class_):
            return kind
    if medium != "file" and elapsed_s >= _NEARLY * timeout_s:
        return Kind.TIMEOUT
    return _OTHERWISE[medium]


def guarded(
    call: Callable[[], T], *, clock: Clock, medium: Medium, opening: bool, timeout_s: float
) -> T:
    """Call into PyAV; raises only CaptureError, without a trace of the original exception."""
    started_s = clock.now_s()
    try:
        return call()
    except (av.FFmpegError, OSError, ValueError, RuntimeError, MemoryError) as error:
        kind = classify(
            error,
            medium=medium,
            opening=opening,
            elapsed_s=clock.now_s() - started_s,
            timeout_s=timeout_s,
        )
    # Outside the handler, so that the exception with the URL is not even the context of this one.
    raise CaptureError(kind)
