"""Greedy non-maximum suppression for a whole batch at once, within each class."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from detector.candidates import Candidates
from detector.ops import Tensor


class Kept(NamedTuple):
    """What survives, best first; rows past `count` mean nothing."""

    xyxy: Tensor  # float32 [B, N, 4]
    score: Tensor  # float32 [B, N]
    class_id: Tensor  # int32 [B, N]
    count: Tensor  # int32 [B]


def suppress(
    found: Candidates,
    *,
    score_threshold: float,
    iou_threshold: float,
    max_detections: int,
    fixed_shapes: bool = False,
) -> Kept:
    """Drop a candidate below `score_threshold`, or that overlaps a better kept one of its class by
    more than `iou_threshold`. Candidates must come best first; ties go to the earlier one.

    The cost grows with the square of the most candidates that any picture has above the threshold;
    with `fixed_shapes`, as XLA needs them, always with the square of all candidates.
    """
    valid = found.score >= score_threshold  # [B, K], true for the first ones of each picture
    if not fixed_shapes:
        most = tf.reduce_max(tf.reduce_sum(tf.cast(valid, tf.int32), axis=1))
        found = Candidates(*(values[:, :most] for values in found))
        valid = valid[:, :most]
    rank = tf.range(tf.shape(valid)[1])
    better = rank[None, :] < rank[:, None]  # [K, K]
    same_class = found.class_id[:, :, None] == found.class_id[:, None, :]  # [B, K, K]
    rivals = better & same_class & (_iou(found.xyxy) > iou_threshold)
    kept = _greedy(valid, rivals)
    limit = tf.minimum(max_detections, tf.shape(valid)[1])
    score, rows = tf.math.top_k(tf.where(kept, found.score, -1.0), limit)
    return Kept(
        tf.gather(found.xyxy, rows, batch_dims=1),
        score,
        tf.gather(found.class_id, rows, batch_dims=1),
        tf.reduce_sum(tf.cast(score >= 0, tf.int32), axis=1),
    )


def _greedy(valid: Tensor, rivals: Tensor) -> Tensor:
    """The one set in which a candidate is kept exactly if no better kept one is its rival.

    Deciding all candidates from the last guess settles at least the next one of every picture, so
    the guess stops changing after as many rounds as the longest chain of rivals.
    """

    def decide(kept: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        beaten = tf.reduce_any(rivals & kept[:, None, :], axis=2)
        decided = valid & ~beaten
        return decided, tf.reduce_any(decided != kept)

    kept, _ = tf.while_loop(lambda _, changed: changed, decide, [valid, tf.constant(True)])
    return kept


def _iou(xyxy: Tensor) -> Tensor:
    """Of every pair, [B, K, K]; 0 where a box has no area."""
    x1, y1, x2, y2 = tf.unstack(xyxy, axis=-1)
    area = (x2 - x1) * (y2 - y1)
    width = tf.minimum(x2[:, :, None], x2[:, None, :]) - tf.maximum(x1[:, :, None], x1[:, None, :])
    height = tf.minimum(y2[:, :, None], y2[:, None, :]) - tf.maximum(y1[:, :, None], y1[:, None, :])
    shared = tf.maximum(width, 0.0) * tf.maximum(height, 0.0)
    return tf.math.divide_no_nan(shared, area[:, :, None] + area[:, None, :] - shared)
