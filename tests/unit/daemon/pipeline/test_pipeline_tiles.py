"""Frames of several rows on their way: one batch, one answer, one fate."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from daemon.books.accounting import Drop
from daemon.clock import SystemClock
from detector.api import InferenceError
from detector.detections import Detections
from detector.letterbox import Letterbox
from tests.support.fakes import FakeDetector
from tests.support.pipeline_rig import Gate, Rig, pipelines
from tests.support.waiting import until


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def start(gate: Gate) -> Iterator[Callable[..., Rig]]:
    with pipelines(gate) as make:
        yield make


class CornerFinder(FakeDetector):
    """Finds one thing in the middle of every row."""

    def detect(
        self, pixels: npt.NDArray[np.uint8], letterboxes: Sequence[Letterbox]
    ) -> list[Detections]:
        super().detect(pixels, letterboxes)
        box = np.array([[12, 8, 16, 12]], np.float32)
        sure, of = np.array([0.9], np.float32), np.zeros(1, np.int32)
        return [Detections(each.to_source(box), sure, of) for each in letterboxes]


def test_a_frame_of_several_rows_has_one_answer_in_pixels_of_its_picture(
    start: Callable[..., Rig],
) -> None:
    rig = start(detector=CornerFinder(4))
    rig.put("b", value=7, rows=3)
    until(lambda: rig.results)
    (result,) = rig.results
    assert result.detections is not None
    centres = (result.detections.xyxy_px[:, :2] + result.detections.xyxy_px[:, 2:]) / 2
    assert sorted(centres[:, 0].round().tolist()) == [21, 28, 53]  # left tile, whole, right tile
    assert rig.detector.seen == [7, 8, 9]
    page = rig.page("b")
    assert (page.captured, page.inferred) == (1, 1)
    assert rig.notes.rows == [("b", 3)]


def test_batches_count_rows(start: Callable[..., Rig]) -> None:
    rig = start(started=False)
    for value, name, rows in ((10, "a", 3), (20, "b", 3), (30, "c", 1)):
        rig.put(name, value=value, rows=rows, age_s=0.3 - value / 1000)
    rig.pipeline.start()
    until(lambda: len(rig.results) == 3)
    assert rig.detector.batches == [4, 3]
    assert rig.detector.seen == [10, 11, 12, 30, 20, 21, 22]
    assert [size for size, *_ in rig.notes.batches] == [4, 3]


def test_a_frame_that_is_stale_takes_all_of_its_rows_with_it(
    start: Callable[..., Rig], gate: Gate
) -> None:
    rig = start(hook=gate)
    rig.put("a", value=1)
    gate.wait_entered()
    rig.put("b", value=20, rows=3)
    until(lambda: len(rig.slots) == 0)  # assembled while the first one runs
    rig.time.advance(1.0)
    rig.put("d", value=40, rows=2)
    gate.open()
    until(lambda: len(rig.results) == 2)
    assert rig.detector.seen == [1, 40, 41]
    assert rig.page("b").dropped[Drop.STALE] == 1


def test_an_error_costs_the_whole_frame(start: Callable[..., Rig]) -> None:
    def broken(_count: int) -> None:
        raise InferenceError("runtime", "broken")

    rig = start(hook=broken)
    rig.put("a", rows=4)
    until(lambda: rig.results)
    assert (rig.results[0].detections, rig.results[0].error) == (None, "runtime")
    assert rig.page("a").dropped[Drop.INFER_ERROR] == 1


def test_a_detector_with_smaller_batches_takes_frames_that_were_made_for_larger_ones(
    start: Callable[..., Rig], gate: Gate
) -> None:
    rig = start(detector=FakeDetector(8, gate))
    rig.put("a", value=1)
    gate.wait_entered()
    until(lambda: len(rig.slots) == 0)
    smaller = FakeDetector(2, gate)
    rig.pipeline.use(rig.setup(smaller))
    rig.put("b", value=20, rows=1)
    rig.put("c", value=30, rows=6)
    gate.open()
    until(lambda: len(rig.results) == 3)
    assert max(smaller.batches) <= 2
    by_camera = {result.frame.camera: result for result in rig.results}
    assert by_camera["c"].detections is not None


def test_every_frame_of_any_rows_has_one_fate_although_memory_runs_out(
    start: Callable[..., Rig],
) -> None:
    clock, luck = SystemClock(), random.Random(1)

    def hook(count: int) -> None:
        time.sleep(0.0005 * count)
        if count > 3 and luck.random() < 0.1:
            raise InferenceError("oom", "no room")
        if luck.random() < 0.02:
            raise InferenceError("runtime", "bad luck")

    rig = start(detector=FakeDetector(8, hook), clock=clock)

    def film(name: str) -> None:
        chance = random.Random(name)
        for number in range(60):
            shot = rig.frame(name, clock.now_s(), value=number, rows=chance.randint(1, 8))
            rig.offer(shot)
            time.sleep(chance.choice([0.0, 0.0005, 0.003]))

    cameras = [threading.Thread(target=film, args=(name,)) for name in rig.seats]
    for camera in cameras:
        camera.start()
    while any(camera.is_alive() for camera in cameras):
        assert all(rig.page(name).balanced for name in rig.seats)
        time.sleep(0.001)
    rig.finish()
    for name in rig.seats:
        page = rig.page(name)
        results = [result for result in rig.results if result.frame.camera == name]
        assert page.balanced
        assert (page.captured, page.in_flight) == (60, 0)
        answered = [result for result in results if result.error is None]
        assert len(answered) == page.inferred > 0
        assert len(results) - len(answered) == page.dropped[Drop.INFER_ERROR]
