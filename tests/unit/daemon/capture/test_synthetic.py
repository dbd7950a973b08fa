"""The arithmetic camera shows what it says it shows."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from config.synthetic import SyntheticSpec
from daemon.capture.pacer import Pacer
from daemon.capture.sample import Lost, Sample
from daemon.capture.synthetic import PERIOD, SyntheticSource, draw, ground_truth
from detector.letterbox import InputSpec, Letterbox
from tests.support.fakes import FakeClock

SPEC = SyntheticSpec(width=320, height=180, fps=10.0, objects=3, seed=7)
INPUT = InputSpec(96, 128, align="center", fill=(9, 8, 7))


def source(spec: SyntheticSpec, clock: FakeClock) -> SyntheticSource:
    def pause(seconds: float) -> bool:
        clock.advance(seconds)
        return False

    return SyntheticSource(spec, input_spec=INPUT, clock=clock, pause=pause)


def take(spec: SyntheticSpec, count: int, fps: float = 240) -> list[Sample | Lost]:
    clock = FakeClock()
    pacer = Pacer(fps, live=True)
    taken: list[Sample | Lost] = []
    for sample in source(spec, clock).samples(pacer):
        if isinstance(sample, Sample):
            assert pacer.take(sample.pts_s, clock.now_s())
        taken.append(sample)
        if len(taken) == count:
            break
    return taken


def test_the_same_seed_gives_the_same_pictures() -> None:
    assert np.array_equal(draw(SPEC, 5), draw(SPEC, 5))
    assert not np.array_equal(draw(SPEC, 5), draw(SPEC, 6))
    other = SyntheticSpec(width=320, height=180, objects=3, seed=8)
    assert not np.array_equal(draw(SPEC, 5), draw(other, 5))


@pytest.mark.parametrize("size", [(16, 16), (320, 180), (333, 77), (1920, 1080)])
def test_every_box_lies_inside_the_picture_at_any_size(size: tuple[int, int]) -> None:
    spec = SyntheticSpec(width=size[0], height=size[1], objects=64, seed=3)
    for number in range(PERIOD):
        boxes = ground_truth(spec, number)
        assert boxes.shape == (64, 4)
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2] <= size[0]).all()
        assert (boxes[:, 3] <= size[1]).all()
        assert (boxes[:, :2] < boxes[:, 2:]).all()


def test_a_box_is_where_its_shape_is_drawn() -> None:
    lone = SyntheticSpec(width=400, height=300, objects=1, seed=5)
    empty = SyntheticSpec(width=400, height=300, objects=0, seed=5)
    changed = np.abs(draw(lone, 3).astype(int) - draw(empty, 3).astype(int)).sum(2) > 20
    rows, columns = np.nonzero(changed)
    drawn = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(drawn - ground_truth(lone, 3)[0]).max() <= 2.5


def test_no_objects_is_a_scene_too() -> None:
    assert ground_truth(SyntheticSpec(objects=0), 0).shape == (0, 4)


def test_the_input_is_the_letterboxed_picture() -> None:
    sample = take(SPEC, 4)[3]
    assert isinstance(sample, Sample)
    pixels, letterbox = sample.scale()
    assert letterbox == Letterbox.fit((320, 180), INPUT)
    assert pixels.shape == (96, 128, 3)
    assert tuple(pixels[0, 0]) == INPUT.fill
    (x, y), (width, height) = letterbox.offset_xy, letterbox.scaled_wh
    inside = pixels[y : y + height, x : x + width, ::-1]
    assert np.array_equal(inside, draw(SPEC, 3, (width, height)))
    assert not pixels.flags.writeable


def test_cameras_of_one_scene_share_their_inputs() -> None:
    first, second = take(SPEC, 1)[0], take(SPEC, 1)[0]
    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert first.scale()[0] is second.scale()[0]


def test_the_picture_is_drawn_at_the_size_asked_for() -> None:
    sample = take(SPEC, 1)[0]
    assert isinstance(sample, Sample)
    assert sample.picture.to_bgr().shape == (180, 320, 3)
    assert sample.picture.to_bgr(100).shape == (56, 100, 3)
    assert sample.picture.to_bgr(1000).shape == (180, 320, 3)


def test_frames_come_at_the_rate_asked_for() -> None:
    clock = FakeClock()
    samples = source(SPEC, clock).samples(Pacer(240, live=True))
    times = []
    for _ in range(20):
        assert isinstance(next(samples), Sample)
        times.append(clock.now_s())
    assert np.allclose(np.diff(times), 0.1)


def test_frames_beyond_the_cap_are_counted_and_cost_nothing() -> None:
    taken = take(SPEC, 40, fps=5)
    assert [sample is Lost.EARLY for sample in taken] == [False, True] * 20


def test_a_stop_ends_the_stream() -> None:
    stopping = threading.Event()
    stopping.set()
    stream = SyntheticSource(SPEC, input_spec=INPUT, clock=FakeClock(), pause=stopping.wait)
    samples = list(stream.samples(Pacer(5, live=True)))
    assert len(samples) == 1
    assert stream.info.transport == "synthetic"
    stream.close()


def test_another_input_holds_for_what_is_scaled_from_now_on() -> None:
    playing = source(SPEC, FakeClock())
    samples = playing.samples(Pacer(240, live=True))
    first = next(samples)
    assert isinstance(first, Sample)
    small = InputSpec(48, 64)
    playing.use_input(small)
    pixels, letterbox = first.scale()
    assert pixels.shape == (48, 64, 3)
    assert letterbox == Letterbox.fit((320, 180), small)
