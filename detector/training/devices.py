"""What training computes on."""

from __future__ import annotations

import tensorflow as tf


def strategy() -> tf.distribute.Strategy | None:
    """Every GPU takes its part of a batch, where there are several."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy(gpus) if len(gpus) > 1 else None
