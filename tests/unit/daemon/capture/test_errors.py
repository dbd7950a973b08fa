"""Failures are named by class, number and time, and lose the library's text on the way."""

from __future__ import annotations

import errno

import av.error
import pytest

from daemon.capture.errors import CaptureError, Cause, Medium, classify, guarded
from tests.support.fakes import FakeClock

URL = "rtsp://admin:canary-secret@10.0.0.5/h264"


def av_error(number: int) -> BaseException:
    """What PyAV raises for an FFmpeg error code, with the URL in it as always."""
    with pytest.raises(av.FFmpegError, match="canary-secret") as caught:
        av.error.err_check(-number, URL)
    return caught.value


def tag(text: bytes) -> int:
    return av.error.tag_to_code(text)


@pytest.mark.parametrize(
    ("number", "medium", "opening", "kind"),
    [
        (tag(b"\xf8401"), "network", True, Cause.AUTH),
        (tag(b"\xf8403"), "network", True, Cause.AUTH),
        (tag(b"\xf8404"), "network", True, Cause.NOT_FOUND),
        (tag(b"\xf8400"), "network", True, Cause.PROTOCOL),
        (tag(b"\xf85XX"), "network", True, Cause.PROTOCOL),
        (tag(b"EXIT"), "network", False, Cause.TIMEOUT),
        (tag(b"EOF "), "network", True, Cause.EOF),
        (tag(b"\xf8DEC"), "network", True, Cause.CODEC),
        (tag(b"INDA"), "network", True, Cause.PROTOCOL),
        (tag(b"INDA"), "file", True, Cause.CODEC),
        (errno.ETIMEDOUT, "network", False, Cause.TIMEOUT),
        (errno.ECONNREFUSED, "network", True, Cause.REFUSED),
        (errno.ECONNRESET, "network", False, Cause.RESET),
        (errno.EPIPE, "network", False, Cause.RESET),
        (errno.EHOSTUNREACH, "network", True, Cause.UNREACHABLE),
        (errno.ENETUNREACH, "network", True, Cause.UNREACHABLE),
        (errno.EIO, "network", True, Cause.DNS),
        (errno.EIO, "network", False, Cause.RESET),
        (errno.ENOENT, "file", True, Cause.NOT_FOUND),
        (errno.EISDIR, "file", True, Cause.CODEC),
        (errno.ENOENT, "device", True, Cause.DEVICE),
        (errno.EBUSY, "device", True, Cause.DEVICE),
        (errno.ENODEV, "device", False, Cause.DEVICE),
        (errno.EMFILE, "network", True, Cause.RESOURCES),
        (errno.EMFILE, "device", True, Cause.RESOURCES),
        (errno.ENOMEM, "file", True, Cause.RESOURCES),
    ],
)
def test_every_failure_has_a_name(number: int, medium: Medium, opening: bool, kind: Cause) -> None:
    error = av_error(number)
    assert classify(error, medium=medium, opening=opening, elapsed_s=0.1, timeout_s=3.0) is kind


def test_invalid_data_at_the_end_of_the_time_is_a_timeout() -> None:
    error = av_error(tag(b"INDA"))
    for medium, expected in (("network", Cause.TIMEOUT), ("file", Cause.CODEC)):
        assert (
            classify(error, medium=medium, opening=True, elapsed_s=2.9, timeout_s=3.0) is expected
        )


def test_nothing_of_the_original_exception_escapes() -> None:
    def fail() -> None:
        raise av_error(errno.ECONNREFUSED)

    with pytest.raises(CaptureError) as caught:
        guarded(fail, clock=FakeClock(), medium="network", opening=True, timeout_s=1.0)
    error = caught.value
    assert error.kind is Cause.REFUSED
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "canary-secret" not in f"{error} {error!r} {error.args}"


def test_a_call_that_succeeds_gives_its_result() -> None:
    result = guarded(lambda: 7, clock=FakeClock(), medium="file", opening=True, timeout_s=1.0)
    assert result == 7


def test_an_error_says_its_kind_and_detail() -> None:
    assert str(CaptureError(Cause.TOO_LARGE, "16384x16384")) == "too_large: 16384x16384"
    assert str(CaptureError(Cause.EOF)) == "eof"


def test_an_error_that_is_kept_holds_nothing_of_where_it_was_raised() -> None:
    def fail() -> None:
        try:
            raise av_error(errno.ECONNRESET)
        except ConnectionResetError:
            raise CaptureError(Cause.RESET, "in the middle") from None

    with pytest.raises(CaptureError) as caught:
        fail()
    assert None not in (caught.value.__traceback__, caught.value.__context__)
    bare = caught.value.bare()
    assert (bare.kind, bare.detail) == (Cause.RESET, "in the middle")
    assert bare.__traceback__ is bare.__context__ is bare.__cause__ is None
