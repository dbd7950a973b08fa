"""Batch sizes, and pictures side by side in one of them."""

from __future__ import annotations

import numpy as np
import pytest

from detector.buckets import bucket_for, buckets_up_to, side_by_side
from detector.letterbox import InputSpec

SPEC = InputSpec(2, 3)


@pytest.mark.parametrize(
    ("most", "buckets"),
    [(1, (1,)), (2, (1, 2)), (8, (1, 2, 4, 8)), (6, (1, 2, 4, 6)), (64, (1, 2, 4, 8, 16, 32, 64))],
)
def test_buckets_double_up_to_the_largest_batch(most: int, buckets: tuple[int, ...]) -> None:
    assert buckets_up_to(most) == buckets


@pytest.mark.parametrize(("count", "bucket"), [(1, 1), (2, 2), (3, 4), (5, 6), (6, 6)])
def test_the_next_size_holds_the_pictures(count: int, bucket: int) -> None:
    assert bucket_for(count, buckets_up_to(6)) == bucket


def test_pictures_stand_side_by_side_before_black_padding() -> None:
    pictures = [np.full((2, 3, 3), value, np.uint8) for value in (7, 8, 9)]
    pixels = side_by_side(pictures, SPEC, (1, 2, 4))
    assert pixels.shape == (4, 2, 3, 3)
    assert [int(row.max()) for row in pixels] == [7, 8, 9, 0]
    assert side_by_side([], SPEC, (1, 2)).shape == (1, 2, 3, 3)


def test_a_kept_buffer_is_filled_from_the_front_and_otherwise_left_alone() -> None:
    buffer = np.full((4, 2, 3, 3), 5, np.uint8)
    pixels = side_by_side([np.full((2, 3, 3), 7, np.uint8)] * 3, SPEC, (1, 2, 4), buffer)
    assert np.shares_memory(pixels, buffer)
    assert [int(row.max()) for row in buffer] == [7, 7, 7, 5]
