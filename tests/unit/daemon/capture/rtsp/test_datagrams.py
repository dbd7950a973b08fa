"""RTP packets that come by UDP go on in the order they were sent in."""

from __future__ import annotations

import socket
import struct
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from daemon.capture.rtsp.datagrams import Datagrams, Order
from daemon.capture.rtsp.transport import Agreed


def rtp(number: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 96, number & 0xFFFF, 0, 0)


def number_of(packet: bytes) -> int:
    return int.from_bytes(packet[2:4], "big")


def put(order: Order, numbers: list[int], *, now_s: float = 0.0) -> list[int]:
    return [number_of(p) for number in numbers for p in order.put(rtp(number), now_s)]


def test_a_late_packet_takes_its_place() -> None:
    order = Order()
    assert put(order, [65534, 65535, 1, 2]) == [65534, 65535]
    assert order.waits
    assert put(order, [0, 3]) == [0, 1, 2, 3]
    assert not order.waits


def test_a_lost_packet_is_not_waited_for_long() -> None:
    order = Order()
    put(order, [1, 3, 4])
    assert order.due(0.05) == []
    assert [number_of(packet) for packet in order.due(0.2)] == [3, 4]
    assert put(order, [2], now_s=0.3) == []
    assert put(order, [5, *range(7, 72)], now_s=0.3)[-1] == 71


def test_doubles_and_what_is_no_rtp_are_dropped() -> None:
    order = Order()
    assert put(order, [1, 1, 2, 2]) == [1, 2]
    assert order.put(b"", 0.0) == []
    assert order.put(b"\0" * 20, 0.0) == []


def test_a_camera_that_counts_anew_is_followed() -> None:
    order = Order()
    assert put(order, [100, 101, 103, 30_000, 30_001]) == [100, 101, 103, 30_000, 30_001]
    assert put(order, [9_000, 9_001]) == [9_000, 9_001]


@given(
    start=st.integers(0, 65535),
    swaps=st.lists(st.tuples(st.integers(0, 198), st.integers(1, 8)), max_size=30),
    losses=st.sets(st.integers(1, 198), max_size=20),
)
def test_order_is_restored_whatever_the_network_does(
    start: int, swaps: list[tuple[int, int]], losses: set[int]
) -> None:
    sent = [number for number in range(200) if number not in losses]
    for place, far in swaps:
        a, b = min(place, len(sent) - 1), min(place + far, len(sent) - 1)
        if a and b:
            sent[a], sent[b] = sent[b], sent[a]
    order = Order()
    found = put(order, [start + number for number in sent])
    found += [number_of(packet) for packet in order.due(10.0)]
    steps = [(later - earlier) & 0xFFFF for earlier, later in pairwise(found)]
    assert all(0 < step < 0x8000 for step in steps)
    assert set(found) == {(start + number) & 0xFFFF for number in sent}


def test_strangers_datagrams_are_not_heard_and_nothing_is_sent_to_them() -> None:
    datagrams = Datagrams("127.0.0.1", "127.0.0.1")
    with (
        socket.socket(type=socket.SOCK_DGRAM) as camera,
        socket.socket(type=socket.SOCK_DGRAM) as stranger,
    ):
        camera.bind(("127.0.0.1", 0))
        stranger.bind(("127.0.0.2", 0))
        assert datagrams.port % 2 == 0
        datagrams.agreed(Agreed(camera.getsockname()[1], 0, "127.0.0.3"))
        assert camera.recv(100)[:1] == b"\x80"
        stranger.sendto(rtp(1), ("127.0.0.1", datagrams.port))
        camera.sendto(rtp(2), ("127.0.0.1", datagrams.port))
        camera.settimeout(1)
        found = [number_of(packet) for packet in datagrams.received(datagrams.rtp)]
        assert found == [2]
        datagrams.report(b"report")
    datagrams.close()
