"""What a camera's own clock said when a picture was taken, by its RTCP sender reports. One thread.

A report ties an RTP timestamp to a wall clock. FFmpeg keeps only the tie of the first one
(`start_time_realtime`, the wall clock of presentation time 0) and hands the others on as they
came, so they are followed from there: a camera whose clock is set, or runs at another speed than
its timestamps, is right again with its next report.
"""

from __future__ import annotations

import struct

_REPORT = struct.Struct("=I4xQI")  # the beginning of FFmpeg's AVRTCPSenderReport
_NTP_TO_UNIX_NS = 2_208_988_800 * 10**9
_LEAST_NTP = 1 << 63  # with the high bit 0 it is the time since the stream began (RFC 3550, 6.4.1)
_HALF = 1 << 31


class CameraClock:
    """Knows nothing until the first report has come."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._reported: tuple[float, int, int] | None = None  # PTS, wall clock, RTP timestamp

    def hear(self, report: bytes, *, start_us: int | None) -> None:
        """A report that came with a packet; `start_us` is FFmpeg's tie of the first one."""
        _, ntp, timestamp = _REPORT.unpack_from(report)
        if ntp < _LEAST_NTP:
            return
        wall_ns = (ntp * 10**9 >> 32) - _NTP_TO_UNIX_NS
        if self._reported is not None:
            before_s, _, before = self._reported
            step = (timestamp - before + _HALF) % (2 * _HALF) - _HALF  # it wraps
            self._reported = (before_s + step * self._tick_s, wall_ns, timestamp)
        elif start_us is not None:
            self._reported = ((wall_ns - start_us * 1000) / 1e9, wall_ns, timestamp)

    def wall_ns(self, pts_s: float | None) -> int | None:
        """When the picture of that presentation time was taken, in nanoseconds since 1970."""
        if self._reported is None or pts_s is None:
            return None
        reported_s, wall_ns, _ = self._reported
        return wall_ns + round((pts_s - reported_s) * 1e9)
