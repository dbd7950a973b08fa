"""What of a stream of bytes is a message of RTSP, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.capture.rtsp.messages import (
    MOST_BODY,
    Answer,
    Media,
    Message,
    ProtocolError,
    Reader,
    Request,
    text,
)

ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 3\r\nA: b\r\n\r\nv=0"


def media(channel: int, payload: bytes) -> bytes:
    return b"$" + bytes([channel]) + len(payload).to_bytes(2, "big") + payload


def all_of(reader: Reader, data: bytes) -> list[Message]:
    reader.feed(data)
    found = []
    while (message := reader.take()) is not None:
        found.append(message)
    return found


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_lines_may_end_either_way(end: bytes) -> None:
    (found,) = all_of(Reader(), ANSWER.replace(b"\r\n", end))
    assert found == Answer(200, (("cseq", "2"), ("content-length", "3"), ("a", "b")), b"v=0")


@given(cuts=st.lists(st.integers(0, 200), max_size=6))
def test_messages_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    rtp = b"\x80\x60\n\n\r\n\r\n$\x00RTSP/1.0"
    whole = media(0, rtp) + ANSWER + media(7, b"") + b"OPTIONS * RTSP/1.0\r\n\r\n" + media(1, rtp)
    reader, found, before = Reader(), [], 0
    for cut in [*sorted(cuts), len(whole)]:
        found += all_of(reader, whole[before:cut])
        before = max(before, min(cut, len(whole)))
    kinds = [type(message) for message in found]
    assert kinds == [Media, Answer, Media, Request, Media]
    assert found[0] == Media(0, media(0, rtp))
    assert found[3] == Request("OPTIONS", "*")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it speaks HTTP: this is the port of a web page"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "it speaks TLS: write rtsps: in place of rtsp:"),
        (b"\x00" * 8, "its answer is not one of RTSP"),
        (b"RTSP/1.0 302x Moved\r\n\r\n", "its answer is not one of RTSP"),
        (b"RTSP/1.0  \r\n\r\n", "its answer is not one of RTSP"),
        (b"RTSP/1.0 2000 OK\r\n\r\n", "its answer is not one of RTSP"),
        (b"SSH-2.0-x\r\n\r\n", "its answer is not one of RTSP"),
        (b"RTSP/1.0 200 OK\r\nX: " + b"y" * 70_000, "its answer has no end"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: x\r\n\r\n", "its answer says no length"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", "its answer says no length"),
        (
            b"RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "its answer says no length",
        ),
        (
            b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY + 1),
            "its answer is too long",
        ),
    ],
)
def test_what_is_no_rtsp_is_told_apart(data: bytes, words: str) -> None:
    reader = Reader()
    reader.feed(data)
    with pytest.raises(ProtocolError, match=words):
        reader.take()


def test_a_header_may_come_twice_and_go_on_in_the_next_line() -> None:
    (found,) = all_of(Reader(), b"RTSP/1.0 401 x\r\nA: 1\r\n B\r\nnoise\r\na : 2\r\n\r\n")
    assert isinstance(found, Answer)
    assert found.all("a") == ["1 B", "2"]
    assert found.header("a") == "1 B"
    assert found.header("b") is None


@pytest.mark.parametrize("noise", [b"\x00" * 50, b"$\x09\x00", b"half a packet $", b"RTSx"])
def test_media_goes_on_after_noise(noise: bytes) -> None:
    packet = media(0, b"\x80\x60" + b"x" * 30)
    reader = Reader()
    reader.feed(noise + packet * 3)
    passed, found = 0, []
    for _ in range(20):
        try:
            message = reader.take()
        except ProtocolError:
            passed += reader.resync(frozenset({0, 1}))
            continue
        if message is None:
            break
        found.append(message)
    assert Media(0, packet) in found
    assert passed <= len(noise) + len(packet)


def test_noise_alone_is_passed_over_whole() -> None:
    reader = Reader()
    reader.feed(b"\x01" * 1000)
    assert reader.resync(frozenset({0})) == 1000
    assert reader.take() is None


@given(data=st.binary(max_size=300))
def test_no_bytes_are_too_odd(data: bytes) -> None:
    reader = Reader()
    reader.feed(data)
    for _ in range(400):
        try:
            if reader.take() is None:
                return
        except ProtocolError:
            reader.resync(frozenset({0, 1}))
    pytest.fail("it does not get on")


def test_a_message_is_written_with_its_length() -> None:
    assert text("RTSP/1.0 200 OK", {"CSeq": "2"}, b"v=0") == (
        b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 3\r\n\r\nv=0"
    )
