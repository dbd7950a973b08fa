"""What is taken from a camera's description, and what of it FFmpeg hears."""

from __future__ import annotations

import pytest

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.rtsp.description import parse, resolved, told
from daemon.capture.rtsp.messages import ProtocolError

HEAD = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=x\r\nc=IN IP4 239.1.1.1\r\nt=0 0\r\na=control:*\r\n"
SOUND = "m=audio 0 RTP/AVP 8\r\na=control:trackID=1\r\n"
VIDEO = (
    "m=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n"
    "a=framerate:12.5\r\na=source-filter: incl IN IP4 * 10.0.0.7\r\na=control:trackID=0\r\n"
)
ODD = "m=video 0 RTP/AVP 98\r\na=rtpmap:98 X-VENDOR/90000\r\na=control:odd\r\n"


def test_ffmpeg_hears_of_one_track_and_of_no_address() -> None:
    description = parse((HEAD + SOUND + VIDEO + ODD).encode())
    track = description.track
    assert track.control == "trackID=0"
    assert track.codec == "H264"
    said = told(track, "track").decode()
    assert said.split("\r\n")[5:] == [
        "m=video 0 RTP/AVP 96",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1",
        "a=framerate:12.5",
        "a=control:track",
        "",
    ]
    assert "10.0.0" not in said
    assert "239" not in said


def test_a_track_that_can_be_decoded_is_preferred() -> None:
    assert parse((HEAD + ODD + VIDEO).encode()).track.control == "trackID=0"
    assert parse((HEAD + ODD).encode()).track.control == "odd"
    mjpeg = parse((HEAD + ODD + "m=video 0 RTP/AVP 26\n").encode()).track
    assert (mjpeg.codec, mjpeg.control) == ("", "")


@pytest.mark.parametrize("tracks", ["", SOUND])
def test_without_pictures_it_is_no_video(tracks: str) -> None:
    with pytest.raises(CaptureError) as caught:
        _ = parse((HEAD + tracks).encode()).track
    assert caught.value.kind is Cause.NO_VIDEO


def test_encrypted_media_is_named_so() -> None:
    with pytest.raises(CaptureError, match="codec: its pictures are encrypted"):
        parse((HEAD + VIDEO.replace("RTP/AVP", "RTP/SAVP")).encode())


@pytest.mark.parametrize("body", [b"", b"<html>", b"v=0\r\na=" + b"x" * 20_000])
def test_what_is_no_description_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(body)


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        ("rtsp://h/a/", "trackID=0", "rtsp://h/a/trackID=0"),
        ("rtsp://h/a", "trackID=0", "rtsp://h/a/trackID=0"),
        ("rtsp://h/a?b=1&c=0/", "trackID=0", "rtsp://h/a?b=1&c=0/trackID=0"),
        ("rtsp://h/a", "rtsp://10.0.0.5/x/1", "rtsp://10.0.0.5/x/1"),
        ("rtsp://h/a", "*", "rtsp://h/a"),
        ("rtsp://h/a", "", "rtsp://h/a"),
    ],
)
def test_a_track_is_asked_for_where_cameras_expect_it(base: str, control: str, url: str) -> None:
    assert resolved(base, control) == url


def test_the_whole_may_have_a_url_of_its_own() -> None:
    assert parse((HEAD.replace(":*", ":rtsp://h/all") + VIDEO).encode()).control == "rtsp://h/all"
