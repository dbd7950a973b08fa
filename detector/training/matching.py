"""Which box each anchor is taught, and which anchors are taught nothing.

A rule looks at the overlaps of one picture's boxes with all anchors, so that memory grows with
boxes × anchors of a picture, not of a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy.typing as npt
import tensorflow as tf

from detector.boxes.overlap import area, intersection, iou
from detector.networks.ops import Tensor

_NONE = -1
_BEST_ANCHORS = 4  # of a box, for `generous`


class Match(NamedTuple):
    """Per anchor of a picture."""

    box: Tensor  # int32 [A], row of the box it is taught, or -1
    ignored: Tensor  # bool [A], taught neither a box nor that there is none


Rule = Callable[[Tensor], Match]  # overlap [M, A] → Match; rows that are no boxes are -1 throughout


def match(
    boxes: Tensor, taught: Tensor, ignored: Tensor, anchors: npt.NDArray[Any], rule: Rule
) -> Match:
    """Of every picture, [B, A]. Of its rows in `boxes` [B, M, 4], those that are `taught` are boxes
    for `rule`; an anchor that lies by half or more in one that is `ignored`, and has no box, is
    ignored too. Boxes and anchors are y1, x1, y2, x2 in the same unit and type.
    """
    places = tf.constant(anchors)
    half = area(places) / 2

    def of_picture(rows: tuple[Tensor, Tensor, Tensor]) -> Match:
        box, is_taught, is_ignored = (row[: used_rows(*rows[1:]), None] for row in rows)
        overlap = iou(box, places)
        found = rule(tf.where(is_taught, overlap, -tf.ones_like(overlap)))
        covered = tf.reduce_any(is_ignored & (intersection(box, places) >= half), axis=0)
        return Match(found.box, (found.ignored | covered) & (found.box == _NONE))

    signature = Match(*(tf.TensorSpec([len(anchors)], kind) for kind in (tf.int32, tf.bool)))
    return Match(*tf.map_fn(of_picture, (boxes, taught, ignored), fn_output_signature=signature))


def used_rows(taught: Tensor, ignored: Tensor) -> Tensor:
    """How many rows there are without the padding at the end: one at least."""
    rows = tf.range(1, tf.shape(taught)[0] + 1)
    return tf.reduce_max(tf.where(taught | ignored, rows, 1))


def automl(overlap: Tensor) -> Match:
    """google/automl's: a box is taught to anchors that overlap it by half, and none other more; and
    to its own best anchor in any case.
    """
    box = _owner(overlap, overlap >= 0.5)
    return Match(_claimed(overlap, box), tf.zeros_like(box, tf.bool))


def generous(overlap: Tensor) -> Match:
    """As `automl`, but small boxes, which few anchors fit, are also taught to their four best
    anchors from an overlap of a quarter on; anchors without a box that overlap one by 0.4 are
    ignored.
    """
    fourth = tf.math.top_k(overlap, _BEST_ANCHORS).values[:, -1:]
    own = (overlap >= 0.5) | ((overlap >= 0.25) & (overlap >= fourth))
    box = _claimed(overlap, _owner(overlap, own))
    return Match(box, (tf.reduce_max(overlap, axis=0) >= 0.4) & (box == _NONE))


def article(overlap: Tensor) -> Match:
    """The Keras project's: more than half; the best anchor only for a box that would have none; and
    anchors that nearly are a box's are ignored.
    """
    own = overlap > 0.5
    lost = ~tf.reduce_any(own, axis=1) & (tf.reduce_max(overlap, axis=1) > 0.0)
    best = tf.one_hot(
        tf.argmax(overlap, axis=1), overlap.shape[1], on_value=True, off_value=False, dtype=tf.bool
    )
    box = _owner(overlap, own | (lost[:, None] & best))
    return Match(box, tf.reduce_any((overlap > 0.4) & (overlap < 0.5), axis=0) & (box == _NONE))


def _owner(overlap: Tensor, own: Tensor) -> Tensor:
    """For each anchor, of the boxes that may have it the one that it overlaps most, or -1."""
    owned = tf.where(own, overlap, -tf.ones_like(overlap))
    box = tf.argmax(owned, axis=0, output_type=tf.int32)
    return tf.where(tf.reduce_max(owned, axis=0) >= 0.0, box, _NONE)


def _claimed(overlap: Tensor, otherwise: Tensor) -> Tensor:
    """Every box gets its best anchor, whichever that anchor overlaps most; the first box wins."""
    boxes, anchors = tf.shape(overlap)[0], overlap.shape[1]
    claimants = tf.where(tf.reduce_max(overlap, axis=1) > 0.0, tf.range(boxes), boxes)
    best = tf.argmax(overlap, axis=1, output_type=tf.int32)[:, None]
    first = tf.tensor_scatter_nd_min(tf.fill([anchors], boxes), best, claimants)
    return tf.where(first < boxes, first, otherwise)
