"""The beginning of a stream that was joined in its middle: until a keyframe comes, pictures that
build on it come and cannot be decoded. That is no silence and no damage.
"""

from __future__ import annotations

from av.packet import Packet
from av.video.stream import VideoStream

from daemon.capture.errors import CaptureError, Cause


class Onset:
    """One opening of a live stream; files begin with a keyframe. The capture thread."""

    def __init__(self, opened_s: float, timeout_s: float, *, live: bool) -> None:
        self._opened_s = opened_s
        self._timeout_s = timeout_s
        self._awaited = live  # no keyframe has come yet

    def picture_came(self) -> None:
        self._awaited = False

    def waits(self, packet: Packet[VideoStream], now_s: float) -> bool:
        """Whether no picture is to be expected of this packet. Raises CaptureError(no_keyframe)
        after `timeout_s`.
        """
        if packet.is_keyframe:
            self._awaited = False
        if self._awaited and now_s - self._opened_s > self._timeout_s:
            raise CaptureError(
                Cause.NO_KEYFRAME, f"pictures for {self._timeout_s:g} s, no keyframe"
            )
        return self._awaited
