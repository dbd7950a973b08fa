"""Greedy non-maximum suppression for a whole batch at once."""

from __future__ import annotations

import tensorflow as tf

from detector.boxes.candidates import Candidates, Kept
from detector.boxes.overlap import iou
from detector.networks.ops import Tensor


def suppress(
    found: Candidates,
    *,
    score_threshold: float | tuple[float, ...],
    iou_threshold: float,
    max_detections: int,
    across_classes: bool = False,
    groups: tuple[int, ...] = (),
    fixed_shapes: bool = False,
) -> Kept:
    """Drop a candidate below `score_threshold`, which may be one for each class id, and then one
    that overlaps a better kept one by more than `iou_threshold`: one of its class, of a class with
    its number in `groups` (by class id), or any, `across_classes`. Candidates must come best first;
    ties go to the earlier one.

    The cost grows with the square of the most candidates that any picture has above the lowest
    threshold; with `fixed_shapes`, as XLA needs them, always with the square of all candidates.
    """
    if not fixed_shapes:
        lowest = min(score_threshold) if isinstance(score_threshold, tuple) else score_threshold
        above = tf.cast(found.score >= lowest, tf.int32)  # 1 for the first ones of each picture
        most = tf.reduce_max(tf.reduce_sum(above, axis=1))
        found = Candidates(*(values[:, :most] for values in found))
    valid = found.score >= by_class(score_threshold, found.class_id)  # [B, K]
    rank = tf.range(tf.shape(valid)[1])
    rivals = rank[None, :] < rank[:, None]  # [K, K]: who is better than whom
    if not across_classes:
        group = by_class(groups, found.class_id) if groups else found.class_id
        rivals &= group[:, :, None] == group[:, None, :]  # [B, K, K]
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


def by_class(values: float | tuple[float, ...] | tuple[int, ...], class_id: Tensor) -> Tensor:
    """What holds for each candidate: its class's value, or the one for all."""
    return tf.gather(tf.constant(values), class_id) if isinstance(values, tuple) else values


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
