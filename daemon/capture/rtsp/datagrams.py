"""Media by UDP: two ports of ours, and packets put into the order they were sent in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.rtsp.transport import Agreed

_MOST_PAIRS = 32  # that are tried until two ports in a row are free
_RECEIVE_BYTES = 2_000_000
_MOST_AT_ONCE = 128
_MOST_DATAGRAM = 65_536
_PUNCH = b"\x80\x00" + bytes(10)  # an empty packet, so that firewalls let the answers in
_MOST_AHEAD = 64  # packets that wait for one that is late …
_LONGEST_S = 0.1  # … and for how long


class Datagrams:
    """An even port for RTP and the next for RTCP. The relay's thread, once it runs."""

    def __init__(self, local: str, peer: str) -> None:
        self._peer = peer
        self._sources = {peer}
        self._server_ports = (0, 0)
        self.rtp, self.rtcp = _pair(local)

    @property
    def port(self) -> int:
        port: int = self.rtp.getsockname()[1]
        return port

    def agreed(self, agreed: Agreed) -> None:
        """Take datagrams of the camera alone; of another address only if it says so. Those that we
        send go to no other than the camera.
        """
        self._server_ports = (agreed.rtp, agreed.rtcp)
        if agreed.source:
            self._sources.add(agreed.source)
        for sender, port in zip((self.rtp, self.rtcp), self._server_ports, strict=True):
            self._send(sender, port, _PUNCH)

    def report(self, payload: bytes) -> None:
        """What FFmpeg tells the camera of its reception."""
        self._send(self.rtcp, self._server_ports[1], payload)

    def received(self, which: socket.socket) -> Iterator[bytes]:
        """Datagrams that wait there; no more than some at a time."""
        for _ in range(_MOST_AT_ONCE):
            try:
                data, sender = which.recvfrom(_MOST_DATAGRAM)
            except OSError:  # none left; or an ICMP message about one of ours
                return
            if sender[0].partition("%")[0] in self._sources:
                yield data

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()

    def _send(self, sender: socket.socket, port: int, payload: bytes) -> None:
        if port:
            with suppress(OSError):
                sender.sendto(payload, (self._peer, port))


class Order:
    """RTP packets by their sequence numbers: a late one is waited for, a lost one is not missed for
    long. FFmpeg would wait by itself only if it read from UDP.
    """

    def __init__(self) -> None:
        self._next: int | None = None
        self._waiting: dict[int, bytes] = {}
        self._since_s = 0.0

    @property
    def waits(self) -> bool:
        return bool(self._waiting)

    def put(self, packet: bytes, now_s: float) -> list[bytes]:
        """Packets that may go on, in order."""
        if len(packet) < 12 or packet[0] >> 6 != 2:
            return []
        number = packet[2] << 8 | packet[3]
        if self._next is None:
            self._next = number
        ahead = (number - self._next) & 0xFFFF
        if ahead >= 0x8000:  # too late
            return [] if 0x10000 - ahead < 1000 else self._afresh(number, packet)
        if ahead > 1000:
            return self._afresh(number, packet)
        if not self._waiting:
            self._since_s = now_s
        self._waiting[number] = packet
        return self.due(now_s)

    def due(self, now_s: float) -> list[bytes]:
        """Packets that were waited with for long enough."""
        ready = self._in_a_row()
        while self._waiting and (
            len(self._waiting) > _MOST_AHEAD or now_s - self._since_s > _LONGEST_S
        ):
            begin = self._next or 0
            self._next = min(self._waiting, key=lambda number: (number - begin) & 0xFFFF)
            ready += self._in_a_row()
        if ready:
            self._since_s = now_s
        return ready

    def _in_a_row(self) -> list[bytes]:
        ready = []
        while self._next is not None and self._next in self._waiting:
            ready.append(self._waiting.pop(self._next))
            self._next = (self._next + 1) & 0xFFFF
        return ready

    def _afresh(self, number: int, packet: bytes) -> list[bytes]:
        """The camera has begun to count anew."""
        begin = self._next or 0
        held = sorted(self._waiting, key=lambda waiting: (waiting - begin) & 0xFFFF)
        ready = [self._waiting.pop(waiting) for waiting in held]
        self._next = (number + 1) & 0xFFFF
        return [*ready, packet]


def _pair(local: str) -> tuple[socket.socket, socket.socket]:
    for _ in range(_MOST_PAIRS):
        first = _bound(local, 0)
        port = first.getsockname()[1]
        try:
            second = _bound(local, port + 1 if port % 2 == 0 else port - 1)
        except (OSError, OverflowError):
            first.close()
            continue
        return (first, second) if port % 2 == 0 else (second, first)
    raise CaptureError(Cause.RESOURCES, "no two UDP ports in a row are free")


def _bound(local: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        bound.setblocking(False)
        bound.bind((local, port))
    except BaseException:
        bound.close()
        raise
    return bound
