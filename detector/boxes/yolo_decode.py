"""From YOLOv3's raw outputs to candidates: one for every class that a box shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.boxes.broken import unless_broken
from detector.boxes.candidates import Candidates
from detector.networks.ops import Tensor
from detector.networks.yolov3 import BOX_NUMBERS, BOXES_PER_CELL

# Width and height in input pixels, of the levels with strides 32, 16 and 8.
PRIORS_WH = (
    ((116, 90), (156, 198), (373, 326)),
    ((30, 61), (62, 45), (59, 119)),
    ((10, 13), (16, 30), (33, 23)),
)
STRIDES = (32, 16, 8)


def prior_boxes(input_size: int) -> npt.NDArray[np.float32]:
    """[A, 5] as x and y of a cell's corner, its side, width and height, all in input pixels;
    ordered by level, coarsest first, row, column, size.
    """
    levels = []
    for stride, sizes in zip(STRIDES, PRIORS_WH, strict=True):
        at = np.arange(input_size // stride) * stride
        y, x, shape = np.meshgrid(at, at, np.arange(BOXES_PER_CELL), indexing="ij")
        wh = np.array(sizes)[shape]
        levels.append(
            np.stack([x, y, np.full_like(x, stride), wh[..., 0], wh[..., 1]], -1).reshape(-1, 5)
        )
    return np.concatenate(levels).astype(np.float32)


def decode(
    raw: Sequence[Tensor], priors: npt.NDArray[np.float32], *, num_classes: int, limit: int
) -> Candidates:
    """The `limit` pairs of a box and a class with the best scores σ(objectness)·σ(class).

    `raw` [B, H, W, 3·(5 + classes)] comes per level, coarsest first. A pair among the best belongs
    to one of as many best boxes, so classes are compared for those boxes only.
    """
    width = BOX_NUMBERS + num_classes
    boxes = tf.concat(
        [
            tf.reshape(x, [-1, x.shape[1] * x.shape[2] * BOXES_PER_CELL, width])
            for x in (tf.cast(level, tf.float32) for level in raw)
        ],
        axis=1,
    )  # [B, A, 5 + classes]
    objectness = boxes[..., BOX_NUMBERS - 1]
    best_class = tf.reduce_max(boxes[..., BOX_NUMBERS:], axis=-1)
    best = tf.sigmoid(objectness) * tf.sigmoid(best_class)
    _, chosen = tf.math.top_k(best, min(limit, priors.shape[0]))  # [B, K]
    boxes = tf.gather(boxes, chosen, batch_dims=1)
    scores = tf.sigmoid(boxes[..., BOX_NUMBERS - 1 :])
    pairs = tf.reshape(scores[..., :1] * scores[..., 1:], [-1, chosen.shape[1] * num_classes])
    score, pair = tf.math.top_k(pairs, min(limit, chosen.shape[1] * num_classes))
    row, class_id = pair // num_classes, pair % num_classes
    xyxy = decode_boxes(boxes[..., : BOX_NUMBERS - 1], tf.gather(tf.constant(priors), chosen))
    found = Candidates(tf.gather(xyxy, row, batch_dims=1), score, class_id)
    return unless_broken(found, tf.reduce_sum(objectness + best_class, axis=1))


def decode_boxes(code: Tensor, prior: Tensor) -> Tensor:
    """xyxy in input pixels from codes (x, y, w, h) [..., 4] and priors [..., 5]."""
    corner, stride, wh = prior[..., :2], prior[..., 2:3], prior[..., 3:]
    centre = corner + tf.sigmoid(code[..., :2]) * stride
    half = tf.exp(code[..., 2:]) * wh / 2
    return tf.concat([centre - half, centre + half], axis=-1)
