"""What a camera may send without end, and no picture comes of it: interleaved packets by number."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from itertools import count, islice

AUD = b"\x09\xf0"
STAP = b"\x18" + (struct.pack(">H", len(AUD)) + AUD) * 300
REPORT = struct.pack(">BBHIIIIII", 0x80, 200, 6, 1, 1, 2, 3, 4, 5)


def packet(payload: bytes, number: int, channel: int = 0) -> bytes:
    """RTP of H.264, with its interleaving."""
    rtp = struct.pack(">BBHII", 0x80, 96, number & 0xFFFF, number * 3000 & 0xFFFFFFFF, 1) + payload
    return struct.pack(">cBH", b"$", channel, len(rtp)) + rtp


FLOODS: dict[str, Callable[[int], bytes]] = {
    "delimiters": lambda n: packet(AUD, n),
    "aggregates": lambda n: packet(STAP, n),
    "hidden units": lambda n: packet(b"\x09" + b"\0\0\1\x09" * 300, n),
    "SEI": lambda n: packet(b"\x06" + b"\x05" * 1000, n),
    "a picture without end": lambda n: packet(
        b"\x7c" + (b"\x85" if n == 0 else b"\x05") + b"\x88" * 1300, n
    ),
    "empty packets": lambda n: packet(b"", n),
    "reports": lambda _: b"$\x01" + struct.pack(">H", len(REPORT)) + REPORT,
    "another channel": lambda n: packet(AUD, n, channel=9),
    "noise": lambda n: bytes([n & 0x7F]) * 500,
    "answers": lambda n: b"RTSP/1.0 200 OK\r\nCSeq: %d\r\n\r\n" % n,
    "questions": lambda n: b"OPTIONS * RTSP/1.0\r\nCSeq: %d\r\n\r\n" % n,
}


def flood(kind: str, *, bytes_per_s: float = 12e6) -> Iterator[bytes]:
    """For ever, at that rate."""
    numbers, began_s, sent = count(), time.monotonic(), 0
    while True:
        data = b"".join(FLOODS[kind](number) for number in islice(numbers, 500))
        yield data
        sent += len(data)
        time.sleep(max(0.0, began_s + sent / bytes_per_s - time.monotonic()))
