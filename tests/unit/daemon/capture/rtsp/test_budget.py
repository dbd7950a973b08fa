"""How much a camera may send before a picture comes of it."""

from __future__ import annotations

import struct

import pytest

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.rtsp.budget import MOST_BYTES, MOST_UNITS, Budget, check_picture
from daemon.capture.rtsp.units import in_packet


def packet(payload: bytes, *, extension: bytes = b"", sources: int = 0) -> bytes:
    first = 0x80 | sources | (0x10 if extension else 0)
    rtp = struct.pack(">BBHII", first, 96, 1, 2, 3) + b"\0\0\0\2" * sources
    if extension:
        rtp += struct.pack(">HH", 0xBEDE, len(extension) // 4) + extension
    return b"$\0" + struct.pack(">H", len(rtp + payload)) + rtp + payload


AUD = b"\x09\xf0"
STAP = b"\x18" + (struct.pack(">H", len(AUD)) + AUD) * 300
AGGREGATE = b"\x60\x01" + (struct.pack(">H", len(AUD)) + AUD) * 300


@pytest.mark.parametrize(
    ("payload", "codec", "count"),
    [
        (AUD, "H264", 1),
        (b"\x65" + b"\x88" * 1000, "H264", 1),
        (STAP, "H264", 300),
        (STAP, "JPEG", 1),
        (AGGREGATE, "H265", 300),
        (b"\x18", "H264", 1),
        (b"\x18\xff\xff\x09", "H264", 1),
        (b"\x65" + b"\0\0\1\x09" * 200, "H264", 201),
        (b"\x47" + b"\0\0\1\x09" * 200, "", 201),
        (b"", "H264", 1),
    ],
)
def test_units_are_counted_however_they_are_packed(payload: bytes, codec: str, count: int) -> None:
    assert in_packet(packet(payload), codec) == count
    assert in_packet(packet(payload, sources=2), codec) == count
    assert in_packet(packet(payload, extension=b"abcdefgh"), codec) == count


@pytest.mark.parametrize("data", [b"$\0\0\0", b"$\0\0\x01\x90", packet(b"")[:14]])
def test_a_packet_that_is_cut_off_counts_as_one(data: bytes) -> None:
    assert in_packet(data, "H264") == 1


@pytest.mark.parametrize(("units", "size"), [(1, MOST_BYTES // 10 + 1), (MOST_UNITS // 10 + 1, 1)])
def test_pictures_renew_what_may_come(units: int, size: int) -> None:
    budget = Budget()
    for _ in range(100):
        for _ in range(9):
            budget.media(units, size)
        budget.picture()
    for _ in range(9):
        budget.media(units, size)
    with pytest.raises(CaptureError) as caught:
        budget.media(units, size)
    assert caught.value.kind is Cause.FLOOD


def test_what_nobody_asked_for_may_trickle_and_not_flood() -> None:
    budget = Budget()
    for second in range(3600):
        budget.strays(60_000, float(second))
    for _ in range(15):
        budget.strays(60_000, 3600.0)
    with pytest.raises(CaptureError, match="flood: it sends without end"):
        budget.strays(200_000, 3600.0)
    assert budget.nothing_came


def test_a_picture_of_countless_parts_reaches_no_decoder() -> None:
    check_picture(b"\0\0\1\x65" + b"\x11" * 1_000_000)
    check_picture(b"\0\0\1\x41" * 1000)
    with pytest.raises(CaptureError, match="countless parts"):
        check_picture(b"\0\0\1\x09\xf0" * 5000)
