"""From RTCP sender reports to the wall clock of a picture."""

from __future__ import annotations

import struct

import pytest

from daemon.capture.camera_clock import CameraClock

TICK_S = 1 / 90_000
NTP_1970_S = 2_208_988_800
NOON_S = 1_795_000_000.0


def report(wall_s: float, timestamp: int) -> bytes:
    """As FFmpeg's AVRTCPSenderReport lies in memory."""
    ntp = int((wall_s + NTP_1970_S) * 2**32)
    return struct.pack("=I4xQIII4x", 1, ntp, timestamp % 2**32, 7, 700)


def seconds(wall_ns: int | None) -> float:
    assert wall_ns is not None
    return wall_ns / 1e9


def test_nothing_is_known_before_the_first_report() -> None:
    clock = CameraClock(TICK_S)
    assert clock.wall_ns(1.0) is None
    clock.hear(report(NOON_S, 0), start_us=None)
    assert clock.wall_ns(1.0) is None
    clock.hear(report(NOON_S, 0), start_us=int(NOON_S * 1e6))
    assert clock.wall_ns(None) is None
    assert seconds(clock.wall_ns(0.0)) == pytest.approx(NOON_S, abs=1e-6)


def test_pictures_before_and_after_a_report_have_their_time() -> None:
    clock = CameraClock(TICK_S)
    # A report at presentation time 3 s of a stream whose time 0 was at noon.
    clock.hear(report(NOON_S + 3, 12345), start_us=int(NOON_S * 1e6))
    assert seconds(clock.wall_ns(2.5)) == pytest.approx(NOON_S + 2.5, abs=1e-6)
    assert seconds(clock.wall_ns(60.0)) == pytest.approx(NOON_S + 60, abs=1e-6)


def test_a_clock_that_was_set_is_right_with_the_next_report() -> None:
    clock = CameraClock(TICK_S)
    clock.hear(report(NOON_S, 0), start_us=int(NOON_S * 1e6))
    clock.hear(report(NOON_S + 3605, 5 * 90_000), start_us=int(NOON_S * 1e6))
    assert seconds(clock.wall_ns(6.0)) == pytest.approx(NOON_S + 3606, abs=1e-6)


def test_timestamps_may_wrap_between_two_reports() -> None:
    clock = CameraClock(TICK_S)
    clock.hear(report(NOON_S, 2**32 - 90_000), start_us=int(NOON_S * 1e6))
    clock.hear(report(NOON_S + 5, 4 * 90_000), start_us=int(NOON_S * 1e6))
    assert seconds(clock.wall_ns(5.0)) == pytest.approx(NOON_S + 5, abs=1e-6)


def test_a_camera_that_only_knows_how_long_it_runs_has_no_clock() -> None:
    clock = CameraClock(TICK_S)
    clock.hear(report(12.0 - NTP_1970_S, 0), start_us=-NTP_1970_S * 10**6)
    assert clock.wall_ns(1.0) is None
