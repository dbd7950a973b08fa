"""The packets since a keyframe that were left undecoded, in case they are needed after all."""

from __future__ import annotations

import av
from av.packet import Packet
from av.video.stream import VideoStream


class Group:
    """Packets of one stream, each counted already; who adds them bounds them (see Skipper).

    The capture thread.
    """

    def __init__(self) -> None:
        self._packets: list[Packet[VideoStream]] = []
        self._counted: set[int] = set()  # presentation times, in ticks

    def begin(self, keyframe: Packet[VideoStream]) -> None:
        """What follows needs nothing older than this."""
        self._packets = [keyframe]

    def add(self, packet: Packet[VideoStream]) -> None:
        self._packets.append(packet)

    def clear(self) -> None:
        self._packets = []

    def decode(self) -> None:
        """Bring the decoder to where the stream is; the pictures were counted as not wanted."""
        self._counted = {packet.pts for packet in self._packets if packet.pts is not None}
        for packet in self._packets:
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                self.has(frame)
        self.clear()

    def has(self, frame: av.VideoFrame) -> bool:
        """Whether this picture is one of those; decoders hand some out later. Each is told once."""
        if frame.pts not in self._counted:
            return False
        self._counted.discard(frame.pts)
        return True
