"""The detector is replaced between two batches; no frame is lost and no answer mistaken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from msgspec.structs import replace

from daemon.books.accounting import Drop
from daemon.clock import SystemClock
from daemon.pipeline.frame import Row
from detector.letterbox import InputSpec, Letterbox
from tests.support.fakes import SPEC, FakeDetector
from tests.support.pipeline_rig import MAX_AGE_S, Gate, Rig, pipelines
from tests.support.waiting import until

LARGE = InputSpec(64, 64)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def start(gate: Gate) -> Iterator[Callable[..., Rig]]:
    with pipelines(gate) as make:
        yield make


def other(max_batch: int = 4, spec: InputSpec = SPEC, hook: Gate | None = None) -> FakeDetector:
    detector = FakeDetector(max_batch, hook)
    detector.name, detector.input_spec = "other", spec
    return detector


def test_batches_run_on_the_detector_they_were_assembled_for(
    start: Callable[..., Rig], gate: Gate
) -> None:
    rig, new = start(hook=gate), other()
    rig.put("a", value=1)
    gate.wait_entered()
    rig.put("b", value=2)
    until(lambda: len(rig.slots) == 0)  # assembled ahead, for the old one
    rig.pipeline.use(rig.setup(new))
    rig.put("c", value=3)
    gate.open()
    until(lambda: len(rig.results) == 3)
    assert (rig.detector.seen, new.seen) == ([1, 2], [3])
    assert [result.detector.name for result in rig.results] == ["fake", "fake", "other"]
    assert [result.detector for result in rig.results] == [rig.detector, rig.detector, new]


def test_the_runs_of_a_new_detector_are_observed_under_its_name(start: Callable[..., Rig]) -> None:
    rig = start()
    rig.put("a")
    until(lambda: rig.results)
    rig.pipeline.use(rig.setup(other()))
    rig.put("a")
    until(lambda: len(rig.results) == 2)
    until(lambda: len(rig.notes.models) == 2)
    assert rig.notes.models == ["fake", "other"]


def test_frames_that_wait_are_made_anew_for_another_input(
    start: Callable[..., Rig], gate: Gate
) -> None:
    rig, new = start(hook=gate), other(spec=LARGE)
    rig.put("a")
    gate.wait_entered()
    rig.put("b", value=1)
    until(lambda: len(rig.slots) == 0)
    rig.put("c", value=2)  # of the old size, and the new detector's
    rig.pipeline.use(rig.setup(new))
    place = Letterbox.fit((64, 48), LARGE)
    large = replace(
        rig.frame("d", rig.time.now_s()),
        rows=(Row(np.zeros((LARGE.height, LARGE.width, 3), np.uint8), place),),
        input_spec=LARGE,
    )
    rig.offer(large)
    gate.open()
    until(lambda: len(rig.results) == 4)
    assert sorted(rig.answered()) == ["a", "b", "c", "d"]
    by_camera = {result.frame.camera: result.frame for result in rig.results}
    assert by_camera["b"].input_spec == SPEC
    assert by_camera["c"].input_spec == by_camera["d"].input_spec == LARGE
    assert by_camera["c"].rows[0].letterbox == Letterbox.fit((64, 48), LARGE)
    assert by_camera["d"] is large
    assert new.seen[0] in (0, 128), "the grey of the picture or the black of frame d"


def test_a_frame_that_cannot_be_made_anew_is_dropped_by_name_and_holds_nobody_up(
    start: Callable[..., Rig],
) -> None:
    class Unreadable:
        def to_bgr(self, max_width: int | None = None) -> None:
            raise MemoryError

    rig = start(started=False)
    rig.offer(replace(rig.frame("a", rig.time.now_s()), picture=Unreadable()))
    rig.pipeline.use(rig.setup(other(spec=LARGE)))
    rig.pipeline.start()
    until(lambda: rig.page("a").dropped[Drop.PREPROCESS_ERROR] == 1)
    rig.put("b")
    until(lambda: rig.results)
    assert rig.answered() == ["b"]


@pytest.mark.parametrize("sizes", [(4, 2), (2, 4)])
def test_batches_are_as_large_as_the_new_detector_takes(
    start: Callable[..., Rig], sizes: tuple[int, int]
) -> None:
    before, after = sizes
    rig = start(started=False, detector=FakeDetector(before))
    new = other(after)
    rig.pipeline.use(rig.setup(new))
    for name in "abcd":
        rig.put(name)
    rig.pipeline.start()
    until(lambda: len(rig.results) == 4)
    assert new.batches == [after] * (4 // after)


def test_another_age_limit_holds_for_what_waits(start: Callable[..., Rig]) -> None:
    rig = start(started=False)
    rig.put("a", age_s=0.2)
    rig.pipeline.use(rig.setup(rig.detector, max_age_s=0.1))
    rig.pipeline.start()
    until(lambda: rig.page("a").dropped[Drop.STALE] == 1)
    rig.pipeline.use(rig.setup(rig.detector, max_age_s=MAX_AGE_S))
    rig.put("a", age_s=0.2)
    until(lambda: rig.results)


def test_a_sleeping_pipeline_takes_up_a_new_detector(start: Callable[..., Rig]) -> None:
    rig, new = start(), other()
    rig.put("a")
    until(lambda: rig.results)
    rig.pipeline.use(rig.setup(new))
    until(lambda: rig.pipeline._assembler.detector is new)


def test_detectors_change_under_load_without_a_loss(start: Callable[..., Rig]) -> None:
    clock = SystemClock()
    rig = start(clock=clock)
    detectors = [other(size, spec) for size in (1, 2, 4) for spec in (SPEC, LARGE)] * 3
    filming = threading.Event()
    offered = dict.fromkeys(rig.seats, 0)

    def film(name: str) -> None:
        while not filming.is_set():
            rig.offer(rig.frame(name, clock.now_s()))
            offered[name] += 1
            filming.wait(0.0005)

    cameras = [threading.Thread(target=film, args=(name,)) for name in rig.seats]
    for camera in cameras:
        camera.start()
    for detector in detectors:
        rig.pipeline.use(rig.setup(detector))
        until(lambda detector=detector: detector.batches)
    filming.set()
    for camera in cameras:
        camera.join()
    rig.finish()
    lost = {Drop.OVERWRITTEN, Drop.SHUTDOWN}
    for name in rig.seats:
        page = rig.page(name)
        assert page.captured == offered[name]
        assert page.balanced
        assert {reason for reason, count in page.dropped.items() if count} <= lost
    assert rig.total().inferred == len(rig.results)
