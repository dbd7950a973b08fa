"""What both dialects of EfficientDet ask of the network: a class and a code for each anchor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy.typing as npt
import tensorflow as tf

from detector.networks.ops import Tensor
from detector.training.matching import Match

BACKGROUND, IGNORED = -1, -2  # as classes
_SMALLEST = 1e-8  # side of a box


class AnchorTargets(NamedTuple):
    """In the order of `anchors.anchor_boxes`."""

    classes: Tensor  # int32 [B, A], or BACKGROUND, or IGNORED
    codes: Tensor  # float32 [B, A, 4] ty, tx, th, tw; 0 where there is no box


def anchor_targets(
    found: Match, boxes: Tensor, classes: Tensor, anchors: npt.NDArray[Any]
) -> AnchorTargets:
    """For what `matching.match` found; boxes and anchors in the same unit and type."""
    matched = found.box >= 0
    row = tf.maximum(found.box, 0)
    codes = encode(tf.gather(boxes, row, batch_dims=1), tf.constant(anchors))
    without = tf.where(found.ignored, IGNORED, BACKGROUND)
    return AnchorTargets(
        tf.where(matched, tf.gather(classes, row, batch_dims=1), without),
        tf.where(matched[..., None], tf.cast(codes, tf.float32), 0.0),
    )


def counted_classes(classes: Tensor, unlabelled: Tensor | None) -> Tensor:
    """Which classes of which anchors count, 0 or 1 as float32, [B, A, C] or [B, A, 1]: all but
    those of ignored anchors and, on background, those that are `unlabelled` [B, C] in the picture.
    An anchor with a box is known to be of no other class.
    """
    counted = (classes != IGNORED)[..., None]
    if unlabelled is not None:
        counted &= ~(unlabelled[:, None] & (classes == BACKGROUND)[..., None])
    return tf.cast(counted, tf.float32)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Codes (ty, tx, th, tw) [..., 4], of which `decode.decode_boxes` is the inverse."""
    centre, size = _centre_and_size(boxes)
    anchor_centre, anchor_size = _centre_and_size(anchors)
    return tf.concat(
        [(centre - anchor_centre) / anchor_size, tf.math.log(size / anchor_size)], axis=-1
    )


def by_anchor(levels: Sequence[Tensor], width: int) -> Tensor:
    """[B, A, `width`] of outputs [B, H, W, 9·`width`] by level."""
    sizes = [x.shape[1] * x.shape[2] * x.shape[3] // width for x in levels]
    parts = [tf.reshape(x, [-1, n, width]) for x, n in zip(levels, sizes, strict=True)]
    return tf.concat(parts, axis=1)


def _centre_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) / 2, tf.maximum(high - low, _SMALLEST)
