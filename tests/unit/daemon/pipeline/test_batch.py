"""Frames side by side: rows, padding, and the buffer that is left alone."""

from __future__ import annotations

import pytest

from daemon.pipeline.batch import Batch, BatchAssembler
from tests.support.fakes import SPEC, FakeDetector, frame


def assembler() -> BatchAssembler:
    return BatchAssembler(FakeDetector(6))


def assembled(of: BatchAssembler, values: list[int], taken_s: float = 11.0) -> Batch:
    frames = [frame(f"c{value}", 10.0, value=value) for value in values]
    return of.assemble(frames, "full", taken_s)


def rows(batch: Batch) -> list[int]:
    """The value of each row, which must be one value all over."""
    values = [set(batch.pixels[row].ravel().tolist()) for row in range(len(batch.frames))]
    assert all(len(found) == 1 for found in values)
    return [found.pop() for found in values]


@pytest.mark.parametrize(("count", "bucket"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 6), (6, 6)])
def test_a_batch_is_padded_to_the_next_traced_size(count: int, bucket: int) -> None:
    batch = assembled(assembler(), list(range(1, count + 1)))
    assert batch.bucket == bucket
    assert batch.pixels.shape == (bucket, SPEC.height, SPEC.width, 3)
    assert rows(batch) == list(range(1, count + 1))


def test_a_batch_knows_its_frames_and_how_it_came_to_be() -> None:
    batch = assembled(assembler(), [7, 8], taken_s=12.5)
    assert [f.camera for f in batch.frames] == ["c7", "c8"]
    assert (batch.trigger, batch.taken_s) == ("full", 12.5)


def test_a_batch_names_the_detector_it_was_put_together_for() -> None:
    of = assembler()
    batch = assembled(of, [7, 8])
    assert batch.detector is of.detector
    assert batch.without(batch.frames[:1]).detector is of.detector


def test_the_batch_before_is_not_touched_by_the_next_one() -> None:
    of = assembler()
    first = assembled(of, [1, 2, 3])
    second = assembled(of, [4, 5])
    assert (rows(first), rows(second)) == ([1, 2, 3], [4, 5])


def test_two_buffers_serve_every_batch() -> None:
    of = assembler()
    first, second, third = (assembled(of, [value]) for value in (1, 2, 3))
    assert first.pixels.base is third.pixels.base
    assert first.pixels.base is not second.pixels.base


@pytest.mark.parametrize(
    ("unwanted", "left", "bucket"),
    [([0], [2, 3, 4], 4), ([1, 2], [1, 4], 2), ([3], [1, 2, 3], 4), ([0, 1, 2], [4], 1)],
)
def test_unwanted_frames_leave_no_gap(unwanted: list[int], left: list[int], bucket: int) -> None:
    batch = assembled(assembler(), [1, 2, 3, 4])
    rest = batch.without([batch.frames[index] for index in unwanted])
    assert rows(rest) == left
    assert [f.camera for f in rest.frames] == [f"c{value}" for value in left]
    assert rest.bucket == bucket
    assert (rest.trigger, rest.taken_s) == (batch.trigger, batch.taken_s)


def test_a_batch_may_lose_all_of_its_frames() -> None:
    batch = assembled(assembler(), [1, 2])
    assert batch.without(batch.frames).frames == ()


def tiled(of: BatchAssembler) -> Batch:
    """Frames of 1, 3 and 2 rows, whose values are 10; 20, 21, 22; 30, 31."""
    frames = [
        frame(f"c{value}", 10.0, value=value, rows=rows)
        for value, rows in ((10, 1), (20, 3), (30, 2))
    ]
    return of.assemble(frames, "full", 11.0)


def test_all_rows_of_a_frame_lie_side_by_side() -> None:
    batch = tiled(assembler())
    assert batch.bucket == 6
    assert batch.pixels[:, 0, 0, 0].tolist() == [10, 20, 21, 22, 30, 31]
    assert [box.is_whole for box in batch.letterboxes] == [True, True, False, False, True, True]
    assert list(batch.of_frames("abcdef")) == [("a",), ("b", "c", "d"), ("e", "f")]


def test_a_frame_leaves_with_all_of_its_rows() -> None:
    batch = tiled(assembler())
    rest = batch.without([batch.frames[1]])
    assert rest.bucket == 4
    assert rest.pixels[:3, 0, 0, 0].tolist() == [10, 30, 31]
    assert list(rest.of_frames("abc")) == [("a",), ("b", "c")]
