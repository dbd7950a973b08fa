"""What it costs to be wrong about the class of an anchor: sums over a batch."""

from __future__ import annotations

import tensorflow as tf

from detector.networks.ops import Tensor

_FOCAL_ALPHA, _FOCAL_GAMMA = 0.25, 1.5
_VARIFOCAL_ALPHA, _VARIFOCAL_GAMMA = 0.75, 2.0


def focal(logits: Tensor, truth: Tensor, counted: Tensor, *, smoothing: float) -> Tensor:
    """google/automl's focal loss of `logits` [B, A, C] with `truth` 0 or 1, where it is `counted`
    (0 or 1).
    """
    wrong = tf.abs(truth - tf.sigmoid(logits))  # 1 - the probability of the truth
    weight = tf.where(truth > 0.0, _FOCAL_ALPHA, 1.0 - _FOCAL_ALPHA) * wrong**_FOCAL_GAMMA
    smooth = truth * (1.0 - smoothing) + 0.5 * smoothing
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(smooth, logits)
    return tf.reduce_sum(weight * entropy * counted)


def varifocal(logits: Tensor, quality: Tensor, counted: Tensor) -> Tensor:
    """VarifocalNet's (arXiv:2008.13367): an anchor should score as well as its box fits, `quality`
    from 0 to 1; good ones weigh more, and easy background weighs little.
    """
    score = tf.sigmoid(logits)
    background = _VARIFOCAL_ALPHA * score**_VARIFOCAL_GAMMA
    weight = tf.stop_gradient(tf.where(quality > 0.0, quality, background))
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(quality, logits)
    return tf.reduce_sum(weight * entropy * counted)
