"""What a camera agrees to, and what its refusals mean."""

from __future__ import annotations

import pytest

from daemon.capture.errors import SLOW, CaptureError, Cause
from daemon.capture.rtsp.messages import Answer
from daemon.capture.rtsp.refusals import check
from daemon.capture.rtsp.transport import Agreed, agreed, udp


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1", Agreed(0, 1)),
        ("RTP/AVP/TCP; unicast; Interleaved=4-5", Agreed(4, 5)),
        ("RTP/AVP/TCP;interleaved=2", Agreed(2, 3)),
        ("RTP/AVP/TCP;interleaved=999-1000", Agreed(0, 1)),
        ("RTP/AVP/TCP;interleaved=3-3", Agreed(0, 1)),
        ("RTP/AVP/TCP;unicast", Agreed(0, 1)),
        (None, Agreed(0, 1)),
    ],
)
def test_channels_are_the_cameras_to_choose(header: str | None, found: Agreed) -> None:
    assert agreed(header, "tcp") == found


def test_ports_and_source_of_datagrams_are_read() -> None:
    header = f"{udp(5004)};server_port=6970-6971;source=10.0.0.7"
    assert agreed(header, "udp") == Agreed(6970, 6971, "10.0.0.7")
    assert agreed("RTP/AVP;unicast;client_port=1-2", "udp") == Agreed(0, 0)


@pytest.mark.parametrize(
    ("header", "transport", "other"),
    [
        ("RTP/AVP;unicast;client_port=1-2", "tcp", "udp"),
        ("RTP/AVP/TCP;interleaved=0-1", "udp", "tcp"),
    ],
)
def test_another_way_than_asked_for_names_the_way_out(
    header: str, transport: str, other: str
) -> None:
    with pytest.raises(CaptureError) as caught:
        agreed(header, transport)
    assert caught.value.kind is Cause.TRANSPORT
    assert caught.value.detail.endswith(f": set transport: {other}")


@pytest.mark.parametrize(
    ("status", "method", "kind", "words"),
    [
        (461, "SETUP", Cause.TRANSPORT, "set transport: udp"),
        (406, "SETUP", Cause.TRANSPORT, "set transport: udp"),
        (406, "DESCRIBE", Cause.REJECTED, "(406 to DESCRIBE)"),
        (453, "PLAY", Cause.FULL, "no more viewers"),
        (453, "SETUP", Cause.FULL, "no more viewers"),
        (500, "DESCRIBE", Cause.BUSY, "tried again soon"),
        (503, "PLAY", Cause.BUSY, "busy"),
        (403, "DESCRIBE", Cause.FORBIDDEN, "may not watch"),
        (404, "DESCRIBE", Cause.NOT_FOUND, ""),
        (400, "SETUP", Cause.REJECTED, "did not understand (400 to SETUP)"),
        (454, "PLAY", Cause.REJECTED, "forgotten the session (454 to PLAY)"),
        (499, "PLAY", Cause.REJECTED, "refuses (499 to PLAY)"),
        (302, "PLAY", Cause.REDIRECTED, "PLAY"),
    ],
)
def test_each_refusal_has_its_own_reason(status: int, method: str, kind: Cause, words: str) -> None:
    with pytest.raises(CaptureError) as caught:
        check(Answer(status), method)
    assert caught.value.kind is kind
    assert words in caught.value.detail
    assert "password" not in caught.value.detail


def test_what_passes_by_itself_is_tried_again_soon() -> None:
    assert (
        not {
            Cause.FULL,
            Cause.BUSY,
            Cause.REJECTED,
            Cause.FLOOD,
            Cause.NO_KEYFRAME,
        }
        & SLOW
    )
    assert {
        Cause.TRANSPORT,
        Cause.FORBIDDEN,
        Cause.LOGIN_METHOD,
        Cause.CERTIFICATE,
    } <= SLOW


def test_an_answer_that_is_none_of_them_passes() -> None:
    check(Answer(200), "PLAY")
