"""How much a camera may send before a picture comes of it."""

from __future__ import annotations

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.rtsp.units import in_bytes

MOST_BYTES = 16_000_000  # a keyframe of 8K at 100 Mbit/s has a quarter of it
MOST_UNITS = 12_000  # packets, or what they are put together of
MOST_UNITS_OF_A_PICTURE = 4_000
_STRAY_BYTES_PER_S = 65_536
_MOST_STRAY_BYTES = 1_000_000


def check_picture(data: bytes) -> None:
    """Raises CaptureError(flood) for one that no decoder should be given."""
    if in_bytes(data) > MOST_UNITS_OF_A_PICTURE:
        raise CaptureError(Cause.FLOOD, "a picture of countless parts")


class Budget:
    """Bounds what FFmpeg gathers: its parsers hold what arrives until a picture is whole, without
    a limit of their own. The relay's thread spends; `picture` may be called from another.
    """

    def __init__(self) -> None:
        self._bytes = self._units = 0
        self._bytes_then = self._units_then = 0  # when the newest picture came
        self._strays = 0.0
        self._strays_s: float | None = None
        self.elsewhere = False  # media came on a channel that was not agreed upon

    @property
    def nothing_came(self) -> bool:
        """None of the media that was asked for."""
        return self._units == 0

    def picture(self) -> None:
        """One came out of FFmpeg."""
        self._bytes_then, self._units_then = self._bytes, self._units

    def media(self, units: int, size: int) -> None:
        """Raises CaptureError(flood)."""
        self._units += units
        self._bytes += size
        since = self._bytes - self._bytes_then
        if since > MOST_BYTES or self._units - self._units_then > MOST_UNITS:
            detail = f"{since / 1e6:.1f} MB came and made no picture"
            raise CaptureError(Cause.FLOOD, detail)

    def strays(self, size: int, now_s: float) -> None:
        """What belongs to no track: other channels, reports, noise. Raises CaptureError(flood)."""
        if self._strays_s is not None:
            allowed = _STRAY_BYTES_PER_S * (now_s - self._strays_s)
            self._strays = max(0.0, self._strays - allowed)
        self._strays_s = now_s
        self._strays += size
        if self._strays > _MOST_STRAY_BYTES:
            raise CaptureError(Cause.FLOOD, "it sends without end what nobody asked for")
