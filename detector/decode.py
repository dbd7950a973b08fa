"""From EfficientDet's raw outputs to candidates: best class of each anchor, best anchors, boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.candidates import Candidates
from detector.ops import Tensor


class _Best(NamedTuple):
    """The best anchors, best first, still in the network's type but for `logit`."""

    logit: Tensor  # float32 [B, K], of the best class
    logits: Tensor  # [B, K, classes]
    code: Tensor  # [B, K, 4]
    anchor: Tensor  # float32 [B, K, 4] y1, x1, y2, x2


def decode(
    logits: Sequence[Tensor],
    codes: Sequence[Tensor],
    anchors_yxyx: npt.NDArray[np.float32],
    *,
    num_classes: int,
    limit: int,
    clip_to: int | None = None,
) -> Candidates:
    """The `limit` anchors with the best class logits, each with its one best class; boxes are cut
    off at the edges of an input of `clip_to` pixels.

    `logits` [B, H, W, 9·classes] and `codes` [B, H, W, 9·4] come per level. The best of each level
    are taken out first, then the best of those, and only they are decoded and compared by class;
    equal logits keep the anchors' order.
    """
    levels, start = [], 0
    for level_logits, level_codes in zip(logits, codes, strict=True):
        by_anchor = _by_anchor(level_logits, num_classes)
        end = start + by_anchor.shape[1]
        anchors = anchors_yxyx[start:end]
        levels.append(_best_of_level(by_anchor, _by_anchor(level_codes, 4), anchors, limit))
        start = end
    best = _Best(*(tf.concat(parts, axis=1) for parts in zip(*levels, strict=True)))
    logit, chosen = tf.math.top_k(best.logit, min(limit, best.logit.shape[1]))
    _, class_logits, code, anchor = (tf.gather(part, chosen, batch_dims=1) for part in best)
    xyxy = decode_boxes(tf.cast(code, tf.float32), anchor)
    if clip_to is not None:
        xyxy = tf.clip_by_value(xyxy, 0.0, float(clip_to))
    return Candidates(xyxy, tf.sigmoid(logit), tf.argmax(class_logits, -1, tf.int32))


def decode_boxes(code: Tensor, anchor: Tensor) -> Tensor:
    """xyxy from codes (ty, tx, th, tw) relative to anchors (y1, x1, y2, x2), both [..., 4]."""
    top_left, bottom_right = anchor[..., :2], anchor[..., 2:]
    size = bottom_right - top_left
    centre = code[..., :2] * size + (top_left + bottom_right) / 2
    half = tf.exp(code[..., 2:]) * size / 2
    return tf.gather(tf.concat([centre - half, centre + half], -1), [1, 0, 3, 2], axis=-1)


def _by_anchor(level: Tensor, width: int) -> Tensor:
    """[B, A, `width`]."""
    anchors = level.shape[1] * level.shape[2] * level.shape[3] // width
    return tf.reshape(level, [-1, anchors, width])


def _best_of_level(
    logits: Tensor, codes: Tensor, anchors: npt.NDArray[np.float32], limit: int
) -> _Best:
    highest = tf.cast(_row_max(logits), tf.float32)
    logit, chosen = tf.math.top_k(highest, min(limit, len(anchors)))
    return _Best(
        logit,
        tf.gather(logits, chosen, batch_dims=1),
        tf.gather(codes, chosen, batch_dims=1),
        tf.gather(tf.constant(anchors), chosen),
    )


def _row_max(x: Tensor) -> Tensor:
    """Maximum along the last axis.

    TensorFlow compares bfloat16 numbers one by one, but whole vectors of integers. The bits of
    positive numbers, read as integers, are ordered as the numbers are, those of negative ones the
    other way round.
    """
    if x.dtype != tf.bfloat16:
        return tf.reduce_max(x, axis=-1)
    bits = tf.bitcast(x, tf.int16)
    highest, lowest = tf.reduce_max(bits, axis=-1), tf.reduce_min(bits, axis=-1)
    return tf.bitcast(tf.where(highest >= 0, highest, lowest), tf.bfloat16)
