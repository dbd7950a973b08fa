"""Examples as batches of tensors, prepared by several threads ahead of the training step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.networks.ops import Tensor
from detector.training.augmentation import Example
from detector.training.examples import Examples

MAX_OBJECTS = 128  # of one example; the smallest beyond them are left out


class Batch(NamedTuple):
    pixels: Tensor  # uint8 [B, H, W, 3]
    content_xyxy: Tensor  # int32 [B, 4]
    boxes: Tensor  # float32 [B, M, 4] y1, x1, y2, x2 in input pixels
    classes: Tensor  # int32 [B, M], -1 where there is no object
    ignored: Tensor  # bool [B, M]
    unlabelled: Tensor  # bool [B, C], classes that nobody looked for


def batches(
    examples: Examples,
    *,
    size: int,
    first: int,
    side: int,
    num_classes: int,
    threads: int | None = None,
) -> tf.data.Dataset:
    """Endless, from batch number `first` on; the same batches for any number of threads."""

    def load(number: Tensor) -> Batch:
        values = tf.numpy_function(
            lambda at: _padded(examples[int(at)], num_classes),
            [number],
            [tf.uint8, tf.int32, tf.float32, tf.int32, tf.bool, tf.bool],
            stateful=False,
        )
        most = MAX_OBJECTS
        shapes = ([side, side, 3], [4], [most, 4], [most], [most], [num_classes])
        return Batch(
            *(tf.ensure_shape(value, shape) for value, shape in zip(values, shapes, strict=True))
        )

    parallel = threads or tf.data.AUTOTUNE
    numbers = tf.data.Dataset.counter(first * size)
    return (
        numbers.map(load, num_parallel_calls=parallel, deterministic=True)
        .batch(size, drop_remainder=True)
        .prefetch(4)
    )


def _padded(example: Example, num_classes: int) -> tuple[npt.NDArray[np.generic], ...]:
    boxes, classes, ignored = example.objects
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    kept = np.sort(np.argsort(-areas, kind="stable")[:MAX_OBJECTS])
    missing = (0, MAX_OBJECTS - len(kept))
    return (
        example.pixels,
        example.content_xyxy,
        np.pad(boxes[kept][:, [1, 0, 3, 2]], (missing, (0, 0))).astype(np.float32),
        np.pad(classes[kept], missing, constant_values=-1).astype(np.int32),
        np.pad(ignored[kept], missing),
        np.isin(np.arange(num_classes), example.unlabelled),
    )
