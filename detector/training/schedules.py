"""Learning rates by step, as the originals change them; a step may be a number or a tensor."""

from __future__ import annotations

import math

import tensorflow as tf

from detector.networks.ops import Tensor


def automl(
    step: Tensor, *, peak: float, warmup_steps: int, total_steps: int, start: float = 0.008
) -> Tensor:
    """google/automl's: a straight line from `start` to `peak`, which is 0.08 for 64 pictures and
    grows with the batch, then half a cosine. That has begun with the first step, and is over as
    many steps before the last one as the line has.
    """
    step = tf.cast(step, tf.float32)
    line = start + (peak - start) * step / max(warmup_steps, 1)
    cosine = peak / 2 * (1 + tf.cos(math.pi * step / (total_steps - warmup_steps)))
    return tf.where(step < warmup_steps, line, cosine)


def article(
    step: Tensor, *, peak: float, floor: float, epochs: int, steps_per_epoch: int = 1
) -> Tensor:
    """Both Keras projects': a parabola from a tenth of `peak`, half a cosine, and `floor` at the
    end. Each of the outer parts is a twentieth of all `epochs`, but one at least and three or
    fifteen at most. The rate changes from epoch to epoch only.
    """
    epoch = tf.cast(step // steps_per_epoch, tf.float32)
    rising, flat = min(max(0.05 * epochs, 1), 3), min(max(0.05 * epochs, 1), 15)
    start = max(0.1 * peak, 1e-6)
    parabola = start + (peak - start) * (epoch / rising) ** 2
    through = (epoch - rising) / max(epochs - rising - flat, 1)
    cosine = floor + (peak - floor) / 2 * (1 + tf.cos(math.pi * through))
    falling = tf.where(epoch < epochs - flat, cosine, floor)
    return tf.where(epoch <= rising, parabola, falling)


def article_stairs(
    step: Tensor, *, peak: float, floor: float, epochs: int, steps_per_epoch: int = 1
) -> Tensor:
    """Their other one: down from `peak` to `floor` by the same factor, nine times."""
    epoch = tf.cast(step // steps_per_epoch, tf.float32)
    stairs = 10
    factor = (floor / peak) ** (1 / (stairs - 1))
    return peak * factor ** (epoch // (epochs / stairs))
