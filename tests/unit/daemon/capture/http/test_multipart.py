"""Parts are found in what cameras send, however they write it, and whatever comes is bounded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.http.multipart import MOST_HEAD, MOST_PART, Part, Parts, boundary_of

ONE, TWO = b"\xff\xd8one\r\n\xff\xd9", b"\xff\xd8two\n\n--\xff\xd9"


def fed(parts: Parts, data: bytes, step: int) -> Iterator[Part]:
    for at in range(0, len(data), step):
        parts.feed(data[at : at + step])
        while (part := parts.take()) is not None:
            yield part


def bodies(announced: str, data: bytes, step: int = 7) -> list[bytes]:
    parts = Parts(announced)
    found = [part.body for part in fed(parts, data, step)]
    last = parts.rest()
    return found if last is None else [*found, last.body]


def written(*, boundary: bytes, length: bool, end: bytes, before: bytes = b"") -> bytes:
    said = before
    for body in (ONE, TWO):
        said += boundary + end + b"Content-Type: image/jpeg" + end
        said += b"Content-length: %d" % len(body) + end if length else b""
        said += end + body + end
    return said


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize(
    ("announced", "boundary"),
    [
        ("frame", b"--frame"),
        ("--frame", b"--frame"),  # announced with its dashes
        ("--frame", b"----frame"),  # by the letter of the standard
        ("frame", b"frame"),  # written without any
        ("frame", b"--another"),  # something else
        ("", b"--frame"),  # not announced
        ("frame", b"--frame  "),
    ],
)
def test_every_way_to_write_a_boundary(
    announced: str, boundary: bytes, end: bytes, length: bool
) -> None:
    data = written(boundary=boundary, length=length, end=end)
    closed = data + boundary.strip() + b"--" + end
    for step in (1, 5, 1000):
        assert bodies(announced, closed, step) == [ONE, TWO]


def test_a_stream_may_begin_without_a_boundary_and_with_words_before_it() -> None:
    data = written(boundary=b"--frame", length=True, end=b"\r\n")
    assert bodies("frame", data.removeprefix(b"--frame\r\n")) == [ONE, TWO]
    assert bodies("frame", b"\r\n\r\nsome words\r\n" + data) == [ONE, TWO]
    without = written(boundary=b"--frame", length=False, end=b"\r\n")
    assert bodies("frame", without.removeprefix(b"--frame\r\n"))[:1] == [ONE]


def test_a_stream_that_ends_without_a_boundary_gives_its_last_part() -> None:
    data = written(boundary=b"--frame", length=False, end=b"\r\n")
    assert bodies("frame", data.removesuffix(b"\r\n")) == [ONE, TWO]
    assert bodies("frame", data + b"--frame--") == [ONE, TWO]


def test_a_length_that_lies_costs_one_part() -> None:
    short = b"--f\r\nContent-Length: 3\r\n\r\n" + ONE + b"\r\n--f\r\n\r\n" + TWO + b"\r\n--f\r\n"
    assert bodies("f", short)[:2] == [ONE[:3], TWO]


@pytest.mark.parametrize("said", [b"-5", b"0x10", b"", b"9" * 5000, "²".encode()])
def test_a_length_that_is_none_is_passed_over(said: bytes) -> None:
    data = b"--f\r\nContent-Length: " + said + b"\r\n\r\n" + ONE + b"\r\n--f\r\n"
    assert bodies("f", data) == [ONE]


def test_part_headers_are_told() -> None:
    parts = Parts("f")
    parts.feed(b"--f\r\nX-Timestamp: 12.5\r\nnonsense\r\nContent-Length: 2\r\n\r\nab\r\n")
    part = parts.take()
    assert part is not None
    assert part.headers == {"x-timestamp": "12.5", "content-length": "2"}
    assert not parts.begun


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"--f\r\nContent-Length: 99999999\r\n\r\n", Cause.FLOOD),
        (b"--f\r\n\r\n" + bytes(MOST_PART + 1), Cause.FLOOD),
        (b"--f\r\n" + b"a: b\r\n" * MOST_HEAD, Cause.FLOOD),
        (b"--f\r\nContent-Length: 1\r\n\r\na\r\n" + b"noise\n" * (MOST_PART // 6 + 2), Cause.FLOOD),
        (b"no boundary\n" * 10_000, Cause.PROTOCOL),
        (bytes(100_000), Cause.PROTOCOL),
    ],
    ids=["said", "endless part", "endless head", "endless words", "no boundary", "no line"],
)
def test_what_has_no_end_is_given_up(data: bytes, kind: Cause) -> None:
    with pytest.raises(CaptureError) as caught:
        bodies("f", data, 1_000_000)
    assert caught.value.kind is kind


@given(st.binary(max_size=400), st.integers(1, 50))
def test_no_bytes_make_it_fail_otherwise(data: bytes, step: int) -> None:
    parts = Parts("f")
    assert sum(len(part.body) for part in fed(parts, b"--f\r\n" + data, step)) <= len(data)


@given(st.lists(st.binary(max_size=60), max_size=4), st.integers(1, 90))
def test_bodies_with_a_length_come_as_they_were_sent(sent: list[bytes], step: int) -> None:
    data = b"".join(
        b"--f\r\nContent-Length: %d\r\n\r\n" % len(body) + body + b"\r\n" for body in sent
    )
    assert bodies("f", data, step) == sent


@pytest.mark.parametrize(
    ("said", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=frame", "frame"),
        ('multipart/x-mixed-replace;boundary="a b"', "a b"),
        ("multipart/x-mixed-replace; BOUNDARY = --x; charset=y", "--x"),
        ("multipart/x-mixed-replace", ""),
    ],
)
def test_what_a_content_type_announces(said: str, boundary: str) -> None:
    assert boundary_of(said) == boundary
