"""Batches come in a few sizes: which there are, and pictures side by side in the next one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from detector.letterbox import InputSpec


def buckets_up_to(max_batch: int) -> tuple[int, ...]:
    """1, 2, 4, 8 … and `max_batch` itself."""
    sizes = [1]
    while sizes[-1] * 2 < max_batch:
        sizes.append(sizes[-1] * 2)
    return tuple(dict.fromkeys([*sizes, max_batch]))


def bucket_for(count: int, buckets: Sequence[int]) -> int:
    """The smallest of these batch sizes, ascending, that holds `count` pictures."""
    return next(bucket for bucket in buckets if bucket >= count)


def side_by_side(
    pictures: Sequence[npt.NDArray[np.uint8]],
    spec: InputSpec,
    buckets: Sequence[int],
    out: npt.NDArray[np.uint8] | None = None,
) -> npt.NDArray[np.uint8]:
    """These pictures, uint8 [H, W, 3] as `spec` says, in the first rows of [bucket, H, W, 3]: of a
    new array, black behind them, or of `out`, whose other rows stay what they are.
    """
    bucket = bucket_for(len(pictures), buckets)
    if out is None:
        out = np.zeros((bucket, spec.height, spec.width, 3), np.uint8)
    pixels = out[:bucket]
    for row, picture in zip(pixels, pictures, strict=False):
        row[:] = picture
    return pixels
