"""From EfficientDet's raw outputs to candidates: best class of each anchor, best anchors, boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.candidates import Candidates
from detector.ops import Tensor


def decode(
    logits: Sequence[Tensor],
    codes: Sequence[Tensor],
    anchors_yxyx: npt.NDArray[np.float32],
    *,
    num_classes: int,
    limit: int,
) -> Candidates:
    """The `limit` anchors with the best class logits, each with its one best class.

    `logits` [B, H, W, 9·classes] and `codes` [B, H, W, 9·4] come per level. Boxes are decoded, and
    classes compared, only for anchors that were chosen; equal logits keep the anchors' order.
    """
    all_logits = _by_anchor(logits, num_classes)  # [B, A, classes]
    limit = min(limit, anchors_yxyx.shape[0])
    best, chosen = tf.math.top_k(tf.reduce_max(all_logits, axis=-1), limit)  # [B, K]
    class_id = tf.argmax(tf.gather(all_logits, chosen, batch_dims=1), -1, tf.int32)
    code = tf.gather(_by_anchor(codes, 4), chosen, batch_dims=1)
    anchor = tf.gather(tf.constant(anchors_yxyx), chosen)
    return Candidates(decode_boxes(code, anchor), tf.sigmoid(best), class_id)


def _by_anchor(levels: Sequence[Tensor], width: int) -> Tensor:
    """[B, A, `width`] float32, levels one after the other."""
    return tf.concat(
        [
            tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3] // width, width])
            for x in (tf.cast(level, tf.float32) for level in levels)
        ],
        axis=1,
    )


def decode_boxes(code: Tensor, anchor: Tensor) -> Tensor:
    """xyxy from codes (ty, tx, th, tw) relative to anchors (y1, x1, y2, x2), both [..., 4]."""
    top_left, bottom_right = anchor[..., :2], anchor[..., 2:]
    size = bottom_right - top_left
    centre = code[..., :2] * size + (top_left + bottom_right) / 2
    half = tf.exp(code[..., 2:]) * size / 2
    return tf.gather(tf.concat([centre - half, centre + half], -1), [1, 0, 3, 2], axis=-1)
