"""How much two boxes have in common."""

from __future__ import annotations

import tensorflow as tf

from detector.networks.ops import Tensor


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of xyxy (or yxyx) boxes [..., 4], broadcast; 0 where a box has no
    area.
    """
    shared = intersection(a, b)
    return tf.math.divide_no_nan(shared, area(a) + area(b) - shared)


def intersection(a: Tensor, b: Tensor) -> Tensor:
    """Area that boxes [..., 4] share, broadcast."""
    ax1, ay1, ax2, ay2 = tf.unstack(a, axis=-1)
    bx1, by1, bx2, by2 = tf.unstack(b, axis=-1)
    width = tf.minimum(ax2, bx2) - tf.maximum(ax1, bx1)
    height = tf.minimum(ay2, by2) - tf.maximum(ay1, by1)
    return tf.maximum(width, 0.0) * tf.maximum(height, 0.0)


def area(box: Tensor) -> Tensor:
    x1, y1, x2, y2 = tf.unstack(box, axis=-1)
    return (x2 - x1) * (y2 - y1)
