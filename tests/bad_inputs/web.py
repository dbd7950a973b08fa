"""Cameras over HTTP that answer oddly, late or without end, watched as the daemon does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bad_inputs.case import Case, Ended
from tests.bad_inputs.streams import probed
from tests.support.hls import TYPE
from tests.support.web_camera import Reply, answer, head, jpeg, streamed, web_camera

_MIXED = "multipart/x-mixed-replace; boundary=frame"
_PART = b"--frame\r\nContent-Type: image/jpeg\r\n"
_WORKS = "works"


def _answered(reply: Reply, **fields: Any) -> Any:
    def attempt(_: Path) -> Ended:
        with web_camera(lambda _: reply) as camera:
            return probed(camera.url, **fields)

    return attempt


def _endless(begin: bytes, piece: bytes, every_s: float = 0.0) -> Reply:
    def chunks() -> Iterator[bytes]:
        yield begin
        while True:
            yield piece
            time.sleep(every_s)

    return Reply(chunks())


def _status(line: str, *headers: str) -> Reply:
    return answer(b"no", "text/html", status=line, headers=headers)


def _answers() -> Iterator[Case]:
    yield Case("a web page", _answered(answer(b"<html>", "text/html")), "no_video", "web page")
    yield Case("a PNG", _answered(answer(b"\x89PNG", "image/png")), "codec", "image/png")
    yield Case("a film (.mp4)", _answered(answer(b"ftyp", "video/mp4")), "codec", "video/mp4")
    yield Case("0 bytes", _answered(answer(b"", "text/plain")), "no_video", "empty")
    yield Case("a picture of 0 bytes", _answered(answer(b"")), "decoder")
    yield Case("noise for a picture", _answered(answer(bytes(5000))), "decoder")
    large = jpeg().replace(b"\0\x11\x08\x00\xf0\x01\x40", b"\0\x11\x08\x23\x28\x23\x28")
    yield Case("a picture of 9000×9000", _answered(answer(large)), "too_large", "9000x9000")
    yield Case("an SSH server over HTTP", _answered(Reply([b"SSH-2.0-x\r\n"])), "protocol")
    rtsp = Reply([b"RTSP/1.0 400 Bad Request\r\n\r\n"])
    yield Case("an RTSP server over HTTP", _answered(rtsp), "protocol", "write rtsp:")
    yield Case("a hang-up over HTTP", _answered(Reply([])), "eof", "without a word")
    head_ = Reply([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000])
    yield Case("20 000 header lines", _answered(head_), "flood", "no end")
    yield Case("HTTP 404", _answered(_status("404 Not Found")), "not_found")
    yield Case("HTTP 403", _answered(_status("403 Forbidden")), "forbidden")
    yield Case("HTTP 503", _answered(_status("503 Busy")), "busy")
    yield Case("HTTP 418", _answered(_status("418 Teapot")), "rejected", "418")
    yield Case("HTTP 401", _answered(_status("401 No", "WWW-Authenticate: Basic")), "auth")
    moved = _status("302 Found", "Location: http://169.254.169.254/latest/")
    yield Case("a redirect to a cloud's metadata", _answered(moved), "redirected", "another host")
    circle = _status("302 Found", "Location: /stream")
    yield Case("an HTTP redirect to itself", _answered(circle), "protocol", "in circles")


def _streams() -> Iterator[Case]:
    yield Case("MJPEG without lengths", _answered(streamed(length=False)), _WORKS)
    yield Case("MJPEG with another boundary", _answered(streamed(boundary=b"--x")), _WORKS)
    yield Case("MJPEG with bare line feeds", _answered(streamed(line_end=b"\n")), _WORKS)
    words = Reply([head(_MIXED), b"words\n" * 20_000])
    yield Case("MJPEG without a boundary", _answered(words), "protocol", "no boundary")
    said = Reply([head(_MIXED), _PART + b"Content-Length: 99999999\r\n\r\n"])
    yield Case("a part that says 100 MB", _answered(said), "flood", "100 MB")
    endless = _endless(head(_MIXED) + _PART + b"\r\n", bytes(1_000_000))
    yield Case("a part that never ends", _answered(endless, read_timeout_s=9), "flood", "16 MB")
    trickle = _endless(head("image/jpeg") + b"\xff\xd8", b"x", 0.05)
    yield Case("a picture that trickles", _answered(trickle), "timeout")
    yield Case(
        "a stream that says nothing", _answered(_endless(head(_MIXED), b"", 0.05)), "timeout"
    )


def _playlists() -> Iterator[Case]:
    for given, body, how, saying in (
        ("HLS that is none", b"<html>", "protocol", "none of HLS"),
        ("HLS of 50 000 lines", b"#EXTM3U\n" + b"#\n" * 50_000, "flood", "no end"),
        ("HLS, encrypted", b"#EXTM3U\n#EXT-X-KEY:METHOD=AES-128\n", "codec", "encrypted"),
        (
            "HLS that leads to another host",
            b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://10.9.9.9/x.m3u8\n",
            "redirected",
            "to another host",
        ),
    ):
        yield Case(given, _answered(answer(body, TYPE)), how, saying)


CASES = (*_answers(), *_streams(), *_playlists())
