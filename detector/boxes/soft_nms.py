"""Soft non-maximum suppression for a whole batch at once: overlap lowers a score."""

from __future__ import annotations

import tensorflow as tf

from detector.boxes.candidates import Candidates, Kept
from detector.boxes.nms import by_class
from detector.boxes.overlap import iou
from detector.networks.ops import Tensor


def suppress_softly(
    found: Candidates,
    *,
    score_threshold: float | tuple[float, ...],
    sigma: float,
    max_detections: int,
    across_classes: bool = False,
) -> Kept:
    """Keep the best candidate, multiply the score of every other one of its class (of any,
    `across_classes`) by exp(-IoU²/`sigma`), and so on while a score reaches its `score_threshold`,
    which may be one for each class id.

    No overlap drops a candidate at once. Ties go to the earlier one. One round for each box kept,
    each of a cost that grows with the number of candidates.
    """
    most = min(max_detections, found.score.shape[1])
    at = tf.range(most)
    threshold = by_class(score_threshold, found.class_id)

    def unfinished(number: Tensor, left: Tensor, *_: Tensor) -> Tensor:
        return (number < most) & tf.reduce_any(left >= 0.0)

    def keep_best(
        number: Tensor, left: Tensor, rows: Tensor, scores: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        best = tf.argmax(left, axis=1, output_type=tf.int32)  # [B]
        score = tf.reduce_max(left, axis=1)
        box = tf.gather(found.xyxy, best[:, None], batch_dims=1)  # [B, 1, 4]
        fading = tf.exp(-tf.square(iou(box, found.xyxy)) / sigma)  # [B, K]
        if not across_classes:
            class_id = tf.gather(found.class_id, best[:, None], batch_dims=1)
            fading = tf.where(found.class_id == class_id, fading, 1.0)
        faded = left * fading
        taken = tf.one_hot(best, found.score.shape[1], on_value=True, off_value=False)
        return (
            number + 1,
            tf.where(taken | (faded < threshold), -1.0, faded),
            tf.where(at == number, best[:, None], rows),
            tf.where(at == number, score[:, None], scores),
        )

    at_first = tf.where(found.score >= threshold, found.score, -1.0)
    nothing = tf.fill([tf.shape(found.score)[0], most], -1.0)
    _, _, rows, scores = tf.while_loop(
        unfinished, keep_best, [0, at_first, tf.zeros_like(nothing, tf.int32), nothing]
    )
    return Kept(
        tf.gather(found.xyxy, rows, batch_dims=1),
        scores,
        tf.gather(found.class_id, rows, batch_dims=1),
        tf.reduce_sum(tf.cast(scores >= 0.0, tf.int32), axis=1),
    )
