"""How much two boxes have in common."""

from __future__ import annotations

import tensorflow as tf

from detector.ops import Tensor


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of xyxy boxes [..., 4], broadcast; 0 where a box has no area."""
    ax1, ay1, ax2, ay2 = tf.unstack(a, axis=-1)
    bx1, by1, bx2, by2 = tf.unstack(b, axis=-1)
    width = tf.minimum(ax2, bx2) - tf.maximum(ax1, bx1)
    height = tf.minimum(ay2, by2) - tf.maximum(ay1, by1)
    shared = tf.maximum(width, 0.0) * tf.maximum(height, 0.0)
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared
    return tf.math.divide_no_nan(shared, union)
