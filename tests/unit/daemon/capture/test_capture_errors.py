"""Failures are named by class, number and time, and lose the library's text on the way."""

from __future__ import annotations

import errno

import av.error
import pytest

from daemon.capture.errors import CaptureError, Kind, Medium, classify, guarded
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
        (tag(b"\xf8401"), "network", True, Kind.AUTH),
        (tag(b"\xf8403"), "network", True, Kind.AUTH),
        (tag(b"\xf8404"), "network", True, Kind.NOT_FOUND),
        (tag(b"\xf8400"), "network", True, Kind.PROTOCOL),
        (tag(b"\xf85XX"), "network", True, Kind.PROTOCOL),
        (tag(b"EXIT"), "network", False, Kind.TIMEOUT),
        (tag(b"EOF "), "network", True, Kind.EOF),
        (tag(b"\xf8DEC"), "network", True, Kind.CODEC),
        (tag(b"INDA"), "network", True, Kind.PROTOCOL),
        (tag(b"INDA"), "file", True, Kind.CODEC),
        (errno.ETIMEDOUT, "network", False, Kind.TIMEOUT),
        (errno.ECONNREFUSED, "network", True, Kind.REFUSED),
        (errno.ECONNRESET, "network", False, Kind.RESET),
        (errno.EPIPE, "network", False, Kind.RESET),
        (errno.EHOSTUNREACH, "network", True, Kind.UNREACHABLE),
        (errno.ENETUNREACH, "network", True, Kind.UNREACHABLE),
        (errno.EIO, "network", True, Kind.DNS),
        (errno.EIO, "network", False, Kind.RESET),
        (errno.ENOENT, "file", True, Kind.NOT_FOUND),
        (errno.EISDIR, "file", True, Kind.CODEC),
        (errno.ENOENT, "device", True, Kind.DEVICE),
        (errno.EBUSY, "device", True, Kind.DEVICE),
        (errno.ENODEV, "device", False, Kind.DEVICE),
        (errno.EMFILE, "network", True, Kind.RESOURCES),
        (errno.EMFILE, "device", True, Kind.RESOURCES),
        (errno.ENOMEM, "file", True, Kind.RESOURCES),
    ],
)
def test_every_failure_has_a_name(number: int, medium: Medium, opening: bool, kind: Kind) -> None:
    error = av_error(number)
    assert classify(error, medium=medium, opening=opening, elapsed_s=0.1, timeout_s=3.0) is kind


def test_invalid_data_at_the_end_of_the_time_is_a_timeout() -> None:
    error = av_error(tag(b"INDA"))
    for medium, expected in (("network", Kind.TIMEOUT), ("file", Kind.CODEC)):
        assert (
            classify(error, medium=medium, opening=True, elapsed_s=2.9, timeout_s=3.0) is expected
        )


def test_nothing_of_the_original_exception_escapes() -> None:
    def fail() -> None:
        raise av_error(errno.ECONNREFUSED)

    with pytest.raises(CaptureError) as caught:
        guarded(fail, clock=FakeClock(), medium="network", opening=True, timeout_s=1.0)
    error = caught.value
    assert error.kind is Kind.REFUSED
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "canary-secret" not in f"{error} {error!r} {error.args}"


def test_a_call_that_succeeds_gives_its_result() -> None:
    result = guarded(lambda: 7, clock=FakeClock(), medium="file", opening=True, timeout_s=1.0)
    assert result == 7


def test_an_error_says_its_kind_and_detail() -> None:
    assert str(CaptureError(Kind.TOO_LARGE, "16384x16384")) == "too_large: 16384x16384"
    assert str(CaptureError(Kind.EOF)) == "eof"
