"""Greedy non-maximum suppression for a whole batch at once."""

from __future__ import annotations

import tensorflow as tf

from detector.boxes.candidates import Candidates, Kept
from detector.boxes.overlap import iou
from detector.networks.ops import Tensor


def suppress(
    found: Candidates,
    *,
    score_threshold: float,
    iou_threshold: float,
    max_detections: int,
    across_classes: bool = False,
    fixed_shapes: bool = False,
) -> Kept:
    """Drop a candidate below `score_threshold`, or that overlaps a better kept one by more than
    `iou_threshold`: one of its class, or any, `across_classes`. Candidates must come best first;
    ties go to the earlier one.

    The cost grows with the square of the most candidates that any picture has above the threshold;
    with `fixed_shapes`, as XLA needs them, always with the square of all candidates.
    """
    valid = found.score >= score_threshold  # [B, K], true for the first ones of each picture
    if not fixed_shapes:
        most = tf.reduce_max(tf.reduce_sum(tf.cast(valid, tf.int32), axis=1))
        found = Candidates(*(values[:, :most] for values in found))
        valid = valid[:, :most]
    rank = tf.range(tf.shape(valid)[1])
    rivals = rank[None, :] < rank[:, None]  # [K, K]: who is better than whom
    if not across_classes:
        rivals &= found.class_id[:, :, None] == found.class_id[:, None, :]  # [B, K, K]
    rivals &= iou(found.xyxy[:, :, None], found.xyxy[:, None]) > iou_threshold
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
