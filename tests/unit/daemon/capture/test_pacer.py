"""Which frames of a stream are kept, whatever its timestamps do."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.capture.pacer import Pacer


def kept(pacer: Pacer, pts_s: list[float | None], clock_s: list[float] | None = None) -> list[int]:
    """Indices of the frames that are kept; the clock runs with the timestamps by default."""
    clock = clock_s if clock_s is not None else [time_s or 0.0 for time_s in pts_s]
    indices = []
    for index, (time_s, now_s) in enumerate(zip(pts_s, clock, strict=True)):
        pacer.saw(time_s)
        if pacer.take(time_s, now_s):
            indices.append(index)
    return indices


def steady(fps: float, seconds: float) -> list[float | None]:
    return [index / fps for index in range(round(fps * seconds))]


def test_thirty_fps_capped_at_five_keeps_exactly_every_sixth_frame() -> None:
    assert kept(Pacer(5, live=True), steady(30, 10)) == list(range(0, 300, 6))


def test_a_cap_that_does_not_divide_the_rate_is_met_in_the_long_run() -> None:
    frames = kept(Pacer(7, live=True), steady(30, 100))
    assert len(frames) == 700
    gaps = {later - earlier for earlier, later in pairwise(frames)}
    assert gaps <= {4, 5}


@given(
    fps=st.floats(1, 120),
    cap=st.floats(0.5, 60),
    seed=st.integers(0, 2**16),
    jitter=st.floats(0, 0.4),
)
def test_the_cap_is_never_exceeded(fps: float, cap: float, seed: int, jitter: float) -> None:
    noise = random.Random(seed)
    times = [(index + noise.uniform(-jitter, jitter)) / fps for index in range(400)]
    frames = kept(Pacer(cap, live=True), list(times))
    seconds = times[-1] - times[0]
    assert len(frames) <= seconds * cap + 2.5


@pytest.mark.parametrize("seed", range(50))
def test_ten_fps_with_a_fifth_of_jitter_loses_nothing_under_a_cap_of_ten(seed: int) -> None:
    noise = random.Random(seed)
    times: list[float | None] = [(index + noise.uniform(-0.2, 0.2)) / 10 for index in range(1000)]
    assert len(kept(Pacer(10, live=True), times)) == 1000


def test_a_stream_slower_than_the_cap_is_kept_whole() -> None:
    assert len(kept(Pacer(10, live=True), steady(4, 60))) == 240


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, -95_443.7, 2.0**33 / 90_000])
def test_a_jump_of_the_timestamps_costs_no_rate(jump_s: float) -> None:
    clock: list[float] = [index / 30 for index in range(1800)]
    pts: list[float | None] = [time_s if time_s < 30 else time_s + jump_s for time_s in clock]
    frames = kept(Pacer(5, live=True), pts, clock)
    assert len(frames) == 300
    assert max(later - earlier for earlier, later in pairwise(frames)) <= 7


def test_missing_timestamps_are_replaced_by_the_clock() -> None:
    clock = [index / 30 for index in range(300)]
    frames = kept(Pacer(5, live=True), [None] * 300, clock)
    assert 49 <= len(frames) <= 51


@pytest.mark.parametrize("step_s", [0.0, 1e-6])
def test_timestamps_that_do_not_move_never_stall_a_live_stream(step_s: float) -> None:
    clock = [index / 30 for index in range(3000)]
    pts: list[float | None] = [index * step_s for index in range(3000)]
    frames = kept(Pacer(5, live=True), pts, clock)
    assert max(later - earlier for earlier, later in pairwise(frames)) <= 70
    assert frames[-1] > 2900


def test_a_gap_is_not_followed_by_a_burst() -> None:
    times: list[float | None] = [*steady(30, 2), *(10 + index / 30 for index in range(60))]
    frames = kept(Pacer(5, live=True), times)
    after_gap = [index - 60 for index in frames if index >= 60]
    assert len(after_gap) <= 11
    assert after_gap[0] == 0


def test_a_slow_reader_of_a_file_keeps_the_same_frames() -> None:
    clock = [index * 0.7 for index in range(300)]  # the detector needs that long per frame
    assert kept(Pacer(5, live=False), steady(30, 10), clock) == list(range(0, 300, 6))


def test_a_frame_called_early_is_never_one_that_would_be_kept() -> None:
    pacer = Pacer(5, live=True)
    for index in range(300):
        time_s = index / 30
        pacer.saw(time_s)
        early = pacer.early(time_s, time_s)
        assert early == (index % 6 != 0)
        if not early:
            assert pacer.take(time_s, time_s)


def test_nothing_is_early_while_the_timestamps_cannot_be_believed() -> None:
    pacer = Pacer(5, live=True)
    assert not pacer.early(0.0, 0.0)
    assert pacer.take(0.0, 0.0)
    assert pacer.early(0.05, 0.05)
    assert not pacer.early(None, 0.05)
    assert not pacer.early(3600.0, 0.05)
    assert not pacer.early(-1.0, 0.05)
    assert not pacer.early(0.05, 60.0)  # the clock says that a frame is overdue
