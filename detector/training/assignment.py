"""Which anchors each box is taught to, by what the network says of them now: few, and the best.

A rule of `matching` looks at anchors alone, so that of an object's anchors those with a bad box are
asked for as high a score as those with a good one, and some of them outlive suppression. These
rules compare the boxes and scores that the anchors give.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy.typing as npt
import tensorflow as tf

from detector.boxes.overlap import area, intersection, iou
from detector.networks.ops import Tensor
from detector.training.matching import Match, used_rows

_NEAREST = 36  # anchors of a box that are compared, those that overlap it most: four cells' worth
_MOST = 10  # of them that are taught it
_NONE = -1
_TINY = 1e-6  # keeps logarithms finite
_FIT_WEIGHT = 3.0  # of the box against the class, in SimOTA's cost
_FIT_POWER = 6.0  # of the box, in TOOD's alignment
_LOWEST = -1e9


class Truth(NamedTuple):
    """A batch's boxes as they came, until the network has answered."""

    boxes: Tensor  # float32 [B, M, 4] y1, x1, y2, x2 in input pixels
    classes: Tensor  # int32 [B, M], -1 in rows of padding
    ignored: Tensor  # bool [B, M]


class Choice(NamedTuple):
    """Of a picture's boxes among their nearest anchors, [M, K] each."""

    chosen: Tensor  # bool
    worth: Tensor  # float32; an anchor that several boxes chose goes to where it is worth most
    quality: Tensor  # float32, 0 to 1: the score that the anchor should have


class Assignment(NamedTuple):
    """Per anchor [B, A]; `quality` is 0 where there is no box."""

    match: Match
    quality: Tensor


Rule = Callable[[Tensor, Tensor], Choice]  # score, fit [M, K], 0 to 1 → Choice


def assign(
    truth: Truth, logits: Tensor, boxes: Tensor, anchors: npt.NDArray[Any], rule: Rule
) -> Assignment:
    """What `logits` [B, A, C] and `boxes` [B, A, 4], which the network gives, are taught. Anchors
    that lie by half or more in an ignored region, and have no box, are ignored. Truth, boxes and
    anchors (y1, x1, y2, x2) are in the same unit. Nothing is learnt through the choice.
    """
    places = tf.constant(anchors)
    half = area(places) / 2
    count = min(_NEAREST, len(anchors))

    def of_picture(picture: tuple[Tensor, ...]) -> Assignment:
        rows, logit, given = picture[:3], *picture[3:]
        taught = (rows[1] >= 0) & ~rows[2]
        most = used_rows(taught, rows[2])
        box, class_id, is_ignored = (row[:most] for row in rows)
        is_taught = taught[:most, None]
        overlap, at = tf.math.top_k(tf.where(is_taught, iou(box[:, None], places), -1.0), count)
        score = tf.gather(
            tf.sigmoid(tf.gather(logit, at)), tf.maximum(class_id, 0), axis=2, batch_dims=1
        )
        fit = tf.where(overlap > 0.0, iou(box[:, None], tf.gather(given, at)), 0.0)
        found = _settled(rule(score, fit), fit > 0.0, at, len(anchors))
        covered = is_ignored[:, None] & (intersection(box[:, None], places) >= half)
        ignored = tf.reduce_any(covered, axis=0) & (found.match.box == _NONE)
        return found._replace(match=found.match._replace(ignored=ignored))

    kinds = (tf.int32, tf.bool, tf.float32)
    of_box, of_region, of_quality = (tf.TensorSpec([len(anchors)], kind) for kind in kinds)
    found: Assignment = tf.map_fn(
        of_picture,
        (*truth, tf.stop_gradient(logits), tf.stop_gradient(boxes)),
        fn_output_signature=Assignment(Match(of_box, of_region), of_quality),
    )
    return found


def dynamic(score: Tensor, fit: Tensor) -> Choice:
    """SimOTA (YOLOX, arXiv:2107.08430): the anchors that cost least, in class and in box; as many
    as the ten best boxes overlap the truth together.
    """
    cost = -tf.math.log(score + _TINY) - _FIT_WEIGHT * tf.math.log(fit + _TINY)
    best = tf.math.top_k(fit, min(_MOST, fit.shape[-1])).values
    count = tf.maximum(tf.cast(tf.reduce_sum(best, axis=-1, keepdims=True), tf.int32), 1)
    return Choice(_rank(-cost) < count, -cost, fit)


def aligned(score: Tensor, fit: Tensor) -> Choice:
    """Task alignment (TOOD, arXiv:2108.07755): the ten anchors that are best at class and box at
    once; the best of them should score as well as its box fits, the others in proportion.
    """
    alignment = score * fit**_FIT_POWER
    chosen = _rank(alignment) < _MOST
    best = tf.reduce_max(alignment, axis=-1, keepdims=True)
    highest = tf.reduce_max(tf.where(chosen, fit, 0.0), axis=-1, keepdims=True)
    return Choice(chosen, fit, tf.math.divide_no_nan(alignment, best) * highest)


def _rank(values: Tensor) -> Tensor:
    """Of each among its row's, 0 for the greatest; the earlier of equals first."""
    order = tf.argsort(values, direction="DESCENDING", stable=True)
    return tf.argsort(order, stable=True)


def _settled(choice: Choice, possible: Tensor, at: Tensor, anchors: int) -> Assignment:
    """One box at most for each anchor; regions are not looked at."""
    chosen = choice.chosen & possible
    worth = tf.where(chosen, choice.worth, _LOWEST)
    best = tf.tensor_scatter_nd_max(tf.fill([anchors], _LOWEST), at[..., None], worth)
    wins = chosen & (worth == tf.gather(best, at))
    row = tf.where(wins, tf.range(tf.shape(at)[0])[:, None], _NONE)
    box = tf.tensor_scatter_nd_max(tf.fill([anchors], _NONE), at[..., None], row)
    quality = tf.tensor_scatter_nd_max(
        tf.zeros([anchors]), at[..., None], tf.where(wins, choice.quality, 0.0)
    )
    return Assignment(Match(box, tf.zeros([anchors], tf.bool)), quality)
