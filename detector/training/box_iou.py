"""How alike two boxes are, in ways that can be learnt from."""

from __future__ import annotations

import math
from typing import Literal

import tensorflow as tf

from detector.boxes.overlap import area, intersection
from detector.networks.ops import Tensor

IouKind = Literal["iou", "giou", "diou", "ciou"]


def box_iou(a: Tensor, b: Tensor, kind: IouKind) -> Tensor:
    """1 for equal boxes [..., 4] (xyxy or yxyx), less for others. `giou` goes down to -1 with the
    emptiness of the smallest box around both, `diou` with the distance of their centres, and `ciou`
    with the difference of their shapes, too.
    """
    shared = intersection(a, b)
    union = area(a) + area(b) - shared
    iou = tf.math.divide_no_nan(shared, union)
    if kind == "iou":
        return iou
    around = tf.maximum(a[..., 2:], b[..., 2:]) - tf.minimum(a[..., :2], b[..., :2])
    if kind == "giou":
        hull = tf.reduce_prod(around, axis=-1)
        return iou - tf.math.divide_no_nan(hull - union, hull)
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    diou = iou - tf.math.divide_no_nan(_squared(apart), _squared(around))
    if kind == "diou":
        return diou
    shape = 4 / math.pi**2 * (_angle(a) - _angle(b)) ** 2
    return diou - tf.math.divide_no_nan(shape, 1 - iou + shape) * shape


def _squared(vector: Tensor) -> Tensor:
    return tf.reduce_sum(vector * vector, axis=-1)


def _angle(box: Tensor) -> Tensor:
    """Of the diagonal to one side, whichever: differences are the same."""
    sides = box[..., 2:] - box[..., :2]
    return tf.atan(tf.math.divide_no_nan(sides[..., 0], sides[..., 1]))
