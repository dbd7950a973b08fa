"""An RTSP camera made of Python, for faults that no real server makes: damaged or missing NAL
units, timestamps that jump, answers of our own, connections that end after a picture. H.264, TCP.

One per test. Knobs are plain attributes and may be turned at any time from any thread.
"""

from __future__ import annotations

import base64
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import av

from tests.support.clips import encode
from tests.support.loopback_server import LoopbackServer

CLOCK_HZ = 90_000
_PAYLOAD = 1400  # bytes of media per RTP packet
_NTP_1970 = 2_208_988_800
_SPS, _PPS = 7, 8
_START_CODE = b"\0\0\1"


@dataclass(frozen=True, slots=True)
class Unit:
    """An access unit on its way: NAL units, RTP timestamp (any integer), number in its stream."""

    nals: tuple[bytes, ...]
    timestamp: int
    number: int

    @property
    def is_keyframe(self) -> bool:
        return any(nal[0] & 31 == 5 for nal in self.nals if nal)

    def without(self, *types: int) -> Unit:
        """Without NAL units of these types."""
        return replace(self, nals=tuple(nal for nal in self.nals if nal[0] & 31 not in types))

    def without_parameters(self) -> Unit:
        return self.without(_SPS, _PPS)


Clip = tuple[tuple[bytes, ...], ...]
Respond = Callable[[str, dict[bytes, bytes]], list[bytes] | None]  # status line, headers
Edit = Callable[[Unit], Unit | None]


@cache
def clip(width: int = 640, height: int = 360, *, frames: int = 20, fps: int = 10) -> Clip:
    """NAL units of each picture of a recording with a keyframe every ten, all that it needs
    before each of them, and a white block of a quarter of width and height in the upper left.
    """
    with TemporaryDirectory() as folder:
        size = (width, height)
        file = encode(Path(folder) / "clip.h264", frames, size=size, fps=fps, gop=min(10, frames))
        with av.open(str(file)) as container:
            return tuple(nal_units(bytes(packet)) for packet in container.demux() if packet.size)


def nal_units(annex_b: bytes) -> tuple[bytes, ...]:
    return tuple(part.rstrip(b"\0") for part in annex_b.split(_START_CODE) if part.strip(b"\0"))


class ScriptedCamera(LoopbackServer):
    """Plays a clip over and over to everyone who connects; the port stays the same."""

    thread_name = "scripted-camera"

    def __init__(self, pictures: Clip | None = None, *, fps: float = 10.0) -> None:
        self.pictures = pictures or clip()
        self.fps = fps
        self.edit: Edit = lambda unit: unit  # the last word on what is sent; None: nothing
        self.answers: dict[str, bytes] = {}  # by method, instead of ours
        self.tells_parameters = True  # in the SDP
        self.announced_fps: float | None = None  # in the SDP
        self.first_timestamp = 0
        self.frozen = False
        self.ends_after: int | None = None  # pictures
        self.line_end = b"\r\n"
        self.channel = 0  # of the media, whatever was agreed upon
        self.seat_s: float | None = None  # serves one viewer; free that long after it has gone
        self.viewing = False
        self.asked: list[tuple[str, str, dict[bytes, bytes]]] = []  # method, URL, headers
        self.respond: Respond = lambda _method, _headers: None  # the first word on an answer
        self.media: Callable[[], Iterator[bytes]] | None = None  # sent as it is, after PLAY
        self.ntp_ahead_s = 0.0  # how far its clock is ahead of ours, as its sender reports say

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/stream"

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._clients.add(client)
            taken = self.viewing and self.seat_s is not None
            self.viewing = True
        try:
            if taken:
                with client:
                    client.recv(4096)
                    client.sendall(b"RTSP/1.0 453 Not Enough Bandwidth\r\nCSeq: 1\r\n\r\n")
                return
            with client, client.makefile("rb") as requests:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.settimeout(10)
                _Session(self, client, requests).run()
        except (OSError, EOFError):
            pass  # the client has gone
        finally:
            if not taken:
                time.sleep(self.seat_s or 0)
            with self._lock:
                self._clients.discard(client)
                self.viewing = self.viewing and taken


class _Session:
    """One connection: answers until PLAY, then sends pictures and answers between them."""

    def __init__(self, camera: ScriptedCamera, client: socket.socket, requests: BinaryIO) -> None:
        self._camera = camera
        self._client = client
        self._requests = requests
        self._sequence = 0

    def run(self) -> None:
        while self._answer() != "PLAY":
            pass
        if self._camera.media is not None:
            for data in self._camera.media():
                self._client.sendall(data)
            return
        started_s = time.monotonic()
        number = 0
        while self._camera.ends_after is None or number < self._camera.ends_after:
            if self._camera.fps and number % max(1, round(self._camera.fps)) == 1:
                self._report(number)
            self._send_picture(number)
            number += 1
            self._answer_until(started_s + number / self._camera.fps)

    def _answer(self) -> str:
        """Read a request, or a receiver report, and answer it; returns the method."""
        first = self._requests.read(1)
        if first == b"$":
            _, size = struct.unpack(">BH", self._requests.read(3))
            self._requests.read(size)
            return ""
        line = first + self._requests.readline()
        if not line:
            raise EOFError
        headers = {}
        while (header := self._requests.readline().strip()) and b":" in header:
            name, _, value = header.partition(b":")
            headers[name.strip().lower()] = value.strip()
        method, url = line.decode().split()[:2]
        self._camera.asked.append((method, url, headers))
        said = self._camera.respond(method, headers)
        if said is not None:
            cseq = b"CSeq: " + headers.get(b"cseq", b"0")
            answer = self._camera.line_end.join([said[0], cseq, *said[1:], b"", b""])
            self._client.sendall(answer)
            return "" if b" 200 " not in said[0] else method
        self._client.sendall(self._camera.answers.get(method) or self._ours(method, headers))
        return method

    def _ours(self, method: str, headers: dict[bytes, bytes]) -> bytes:
        lines = [b"RTSP/1.0 200 OK", b"CSeq: " + headers.get(b"cseq", b"0"), b"Session: 1"]
        body = b""
        if method == "DESCRIBE":
            body = self._description()
            lines += [b"Content-Type: application/sdp", b"Content-Length: %d" % len(body)]
        elif method == "SETUP":
            lines.append(b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        elif method == "OPTIONS":
            lines.append(b"Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
        return self._camera.line_end.join([*lines, b"", body])

    def _description(self) -> bytes:
        camera = self._camera
        format_ = "a=fmtp:96 packetization-mode=1"
        if camera.tells_parameters:
            parameters = [nal for nal in camera.pictures[0] if nal[0] & 31 in (_SPS, _PPS)]
            coded = ",".join(base64.b64encode(nal).decode() for nal in parameters)
            format_ += f";sprop-parameter-sets={coded}"
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=scripted", "t=0 0", "m=video 0 RTP/AVP 96"]
        lines += ["a=rtpmap:96 H264/90000", format_, "a=control:video"]
        if camera.announced_fps:
            lines.append(f"a=framerate:{camera.announced_fps:g}")
        return "\r\n".join([*lines, ""]).encode()

    def _answer_until(self, due_s: float) -> None:
        """Wait for that moment, and longer while the camera is frozen."""
        while (left_s := due_s - time.monotonic()) > 0 or self._camera.frozen:
            wait_s = left_s if left_s > 0 else 0.02
            if select.select([self._client], [], [], wait_s)[0]:
                self._answer()

    def _timestamp(self, number: int) -> int:
        return self._camera.first_timestamp + round(number * CLOCK_HZ / self._camera.fps)

    def _send_picture(self, number: int) -> None:
        pictures = self._camera.pictures
        nals = pictures[number % len(pictures)]
        unit = self._camera.edit(Unit(nals, self._timestamp(number), number))
        if unit is None:
            return
        payloads = [part for nal in unit.nals for part in _fragments(nal)]
        for place, payload in enumerate(payloads, start=1):
            marker = 0x80 if place == len(payloads) else 0
            head = struct.pack(
                ">BBHII", 0x80, marker | 96, self._sequence, unit.timestamp & 0xFFFFFFFF, 1
            )
            self._sequence = (self._sequence + 1) & 0xFFFF
            self._send(self._camera.channel, head + payload)

    def _report(self, number: int) -> None:
        """An RTCP sender report: what the camera's clock says at the time of a picture."""
        now = time.time() + self._camera.ntp_ahead_s + _NTP_1970
        timestamp = self._timestamp(number) & 0xFFFFFFFF
        seconds, fraction = int(now), int(now % 1 * 2**32)
        self._send(
            1, struct.pack(">BBHIIIIII", 0x80, 200, 6, 1, seconds, fraction, timestamp, 0, 0)
        )

    def _send(self, channel: int, data: bytes) -> None:
        self._client.sendall(struct.pack(">cBH", b"$", channel, len(data)) + data)


def _fragments(nal: bytes) -> Iterator[bytes]:
    """One packet, or FU-A fragments."""
    if len(nal) <= _PAYLOAD:
        yield nal
        return
    indicator, kind = nal[0] & 0xE0 | 28, nal[0] & 31
    for at in range(1, len(nal), _PAYLOAD):
        start = 0x80 if at == 1 else 0
        end = 0x40 if at + _PAYLOAD >= len(nal) else 0
        yield bytes([indicator, start | end | kind]) + nal[at : at + _PAYLOAD]


@contextmanager
def scripted_camera(pictures: Clip | None = None, *, fps: float = 10.0) -> Iterator[ScriptedCamera]:
    camera = ScriptedCamera(pictures, fps=fps)
    camera.start()
    try:
        yield camera
    finally:
        camera.stop()
