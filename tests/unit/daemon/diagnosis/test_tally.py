"""What was seen of a stream becomes the right numbers, and none where too little was seen."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from daemon.diagnosis.tally import Figures, PacketSeen, PictureSeen, Tally, figures


def seen(
    frames: int = 50,
    *,
    fps: float = 10.0,
    gop: int = 20,
    order: Sequence[int] | None = None,
    timed: bool = True,
) -> Tally:
    """`frames` pictures that arrive on time; keyframes of 1000 bytes, the others of 100."""
    numbers = order or range(frames)
    return Tally(
        packets=[
            PacketSeen(
                size=100 if at % gop else 1000,
                pts_s=number / fps if timed else None,
                is_key=at % gop == 0,
                is_unreferenced=at % 2 == 1,
            )
            for at, number in enumerate(numbers)
        ],
        pictures=[
            PictureSeen(100.0 + number / fps, number / fps if timed else None)
            for number in range(frames)
        ],
    )


def test_a_steady_stream_is_measured_exactly() -> None:
    found = figures(seen(), live=True)
    assert (found.pictures, found.packets, found.damaged) == (50, 50, 0)
    assert found.watched_s == pytest.approx(4.9)
    assert found.fps_by_pts == pytest.approx(10)
    assert found.fps_by_arrival == pytest.approx(10)
    assert (found.keyframe_every, found.keyframe_every_s) == (20, pytest.approx(2.0))
    assert found.bits_per_s == pytest.approx(8 * 10 * (1000 + 19 * 100) / 20)
    assert (found.b_frames, found.unreferenced) == (0, 25)


def test_the_rate_of_a_recording_is_that_of_its_timestamps() -> None:
    tally = seen()
    tally.pictures = [PictureSeen(0.0, picture.pts_s) for picture in tally.pictures]
    found = figures(tally, live=False)
    assert found.fps_by_arrival is None
    assert found.fps == pytest.approx(10)
    assert found.watched_s == pytest.approx(4.9)


def test_the_rate_of_a_live_stream_is_what_arrives() -> None:
    tally = seen()
    tally.pictures = [PictureSeen(p.arrived_s * 2, p.pts_s) for p in tally.pictures]
    found = figures(tally, live=True)
    assert found.fps == pytest.approx(5)
    assert found.fps_by_pts == pytest.approx(10)


def test_a_burst_at_the_beginning_does_not_count() -> None:
    tally = seen()
    burst = [PictureSeen(100.0, -1.0 + number / 10) for number in range(10)]
    tally.pictures = burst + tally.pictures
    assert figures(tally, live=True).fps_by_arrival == pytest.approx(10)


def test_a_leap_of_the_timestamps_is_left_out() -> None:
    tally = seen()
    late = [PictureSeen(p.arrived_s, (p.pts_s or 0) + 1e6) for p in tally.pictures[25:]]
    tally.pictures[25:] = late
    assert figures(tally, live=True).fps_by_pts == pytest.approx(10)


def test_without_timestamps_keyframes_are_timed_by_the_rate() -> None:
    found = figures(seen(timed=False), live=True)
    assert found.fps_by_pts is None
    assert (found.keyframe_every, found.keyframe_every_s) == (20, pytest.approx(2.0))
    assert found.b_frames == 0


def test_pictures_out_of_order_are_b_frames() -> None:
    assert figures(seen(6, order=[0, 3, 1, 2, 5, 4]), live=True).b_frames == 3


def test_a_stream_that_begins_anew_has_no_b_frames() -> None:
    assert figures(seen(8, order=[900, 901, 902, 903, 0, 1, 2, 3]), live=True).b_frames == 0


def test_one_keyframe_has_no_distance() -> None:
    found = figures(seen(10), live=True)
    assert (found.keyframe_every, found.keyframe_every_s) == (None, None)
    assert found.bits_per_s == pytest.approx(8 * 10 * (1000 + 9 * 100) / 10)


def test_one_picture_has_no_rate() -> None:
    found = figures(seen(1), live=True)
    assert (found.fps, found.bits_per_s, found.watched_s) == (None, None, 0)


def test_what_was_not_seen_is_none() -> None:
    assert figures(Tally(corrupt=1, undecodable=2), live=True) == Figures(
        pictures=0,
        packets=0,
        damaged=3,
        watched_s=0,
        fps_by_pts=None,
        fps_by_arrival=None,
        keyframe_every=None,
        keyframe_every_s=None,
        bits_per_s=None,
        b_frames=None,
        unreferenced=None,
    )
