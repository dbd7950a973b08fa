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


class Cause(StrEnum):
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
        Cause.AUTH,
        Cause.FORBIDDEN,
        Cause.LOGIN_METHOD,
        Cause.CERTIFICATE,
        Cause.NOT_FOUND,
        Cause.REDIRECTED,
        Cause.TRANSPORT,
        Cause.NO_VIDEO,
        Cause.CODEC,
        Cause.TOO_LARGE,
    }
)
FINAL = frozenset({Cause.CONFIG})

_CLASSES: tuple[tuple[type[BaseException], Cause], ...] = (
    (av.error.HTTPUnauthorizedError, Cause.AUTH),
    (av.error.HTTPNotFoundError, Cause.NOT_FOUND),
    (av.error.HTTPError, Cause.PROTOCOL),
    (av.error.ExitError, Cause.TIMEOUT),  # PyAV's own deadline interrupted the call
    (av.error.DecoderNotFoundError, Cause.CODEC),
    (socket.gaierror, Cause.DNS),
    (builtins.EOFError, Cause.EOF),
    (builtins.TimeoutError, Cause.TIMEOUT),
    (builtins.ConnectionRefusedError, Cause.REFUSED),
    (builtins.ConnectionError, Cause.RESET),
    (builtins.FileNotFoundError, Cause.NOT_FOUND),
    (builtins.MemoryError, Cause.RESOURCES),
)
_NUMBERS = {
    av.error.tag_to_code(b"\xf8403"): Cause.AUTH,
    errno.EHOSTUNREACH: Cause.UNREACHABLE,
    errno.EHOSTDOWN: Cause.UNREACHABLE,
    errno.ENETUNREACH: Cause.UNREACHABLE,
    errno.ENETDOWN: Cause.UNREACHABLE,
    errno.EMFILE: Cause.RESOURCES,
    errno.ENFILE: Cause.RESOURCES,
    errno.ENOBUFS: Cause.RESOURCES,
}
_OTHERWISE: dict[Medium, Cause] = {
    "network": Cause.PROTOCOL,
    "file": Cause.CODEC,
    "device": Cause.DEVICE,
}
_NEARLY = 0.9  # of a timeout: FFmpeg reports an interrupted open as invalid data


class CaptureError(Exception):
    """A stream was lost or not opened. `detail` is our own text, never another library's."""

    def __init__(self, kind: Cause, detail: str = "") -> None:
        super().__init__(f"{kind.value}: {detail}" if detail else kind.value)
        self.kind = kind
        self.detail = detail

    def bare(self) -> CaptureError:
        """The same, never raised: to be kept. An exception that was raised holds every frame that
        it passed, and they the stream, its decoder and its pictures.
        """
        return CaptureError(self.kind, self.detail)


def classify(
    error: BaseException, *, medium: Medium, opening: bool, elapsed_s: float, timeout_s: float
) -> Cause:
    """Name an exception of PyAV or the operating system; its text is never read."""
    number = getattr(error, "errno", None)
    if number in _NUMBERS:
        return _NUMBERS[number]
    if medium == "device" and isinstance(error, OSError):
        return Cause.DEVICE
    if medium == "network" and number == errno.EIO:
        return Cause.DNS if opening else Cause.RESET  # FFmpeg's code for a failed name look-up
    for class_, kind in _CLASSES:
        if isinstance(error, class_):
            return kind
    if medium != "file" and elapsed_s >= _NEARLY * timeout_s:
        return Cause.TIMEOUT
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
