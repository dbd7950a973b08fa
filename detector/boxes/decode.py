"""From EfficientDet's raw outputs to candidates: best class of each anchor, best anchors, boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.boxes.broken import unless_broken
from detector.boxes.candidates import Candidates
from detector.networks.ops import Tensor


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

    `logits` [B, H, W, 9·classes] and `codes` [B, H, W, 9·4] come per level. Only the best anchors
    are decoded and compared by class; equal logits keep the anchors' order.
    """
    by_level = [_by_anchor(level, num_classes) for level in logits]
    highest = tf.concat([tf.cast(_row_max(level), tf.float32) for level in by_level], axis=1)
    logit, chosen = tf.math.top_k(highest, min(limit, len(anchors_yxyx)))
    code = tf.cast(_rows([_by_anchor(level, 4) for level in codes], chosen), tf.float32)
    xyxy = decode_boxes(code, tf.gather(tf.constant(anchors_yxyx), chosen))
    if clip_to is not None:
        xyxy = tf.clip_by_value(xyxy, 0.0, float(clip_to))
    class_id = tf.argmax(_rows(by_level, chosen), -1, tf.int32)
    found = Candidates(xyxy, tf.sigmoid(logit), class_id)
    return unless_broken(found, tf.reduce_sum(highest, axis=1))


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


def _rows(levels: Sequence[Tensor], chosen: Tensor) -> Tensor:
    """Rows `chosen` [B, K] of the levels [B, A, n] as if they lay end to end. To lay them so would
    copy every logit.
    """
    rows, start = None, 0
    for level in levels:
        last = level.shape[1] - 1
        own = tf.gather(level, tf.clip_by_value(chosen - start, 0, last), batch_dims=1)
        rows = own if rows is None else tf.where((chosen >= start)[..., None], own, rows)
        start += level.shape[1]
    return rows


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
