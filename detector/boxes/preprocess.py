"""From the bytes that cameras deliver to the numbers that a network was trained on."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from detector.networks.ops import Tensor
from detector.networks.pixels import PixelRule


def normalise(pixels: Tensor, content_xyxy: Tensor, rule: PixelRule) -> Tensor:
    """float32 [B, H, W, 3] from pixels in 0..255 of the same shape, of which only the rectangle
    `content_xyxy` int32 [B, 4] is picture.

    Works on rows of 3·W numbers, which is twice as fast as on W pixels of 3.
    """
    height, width = pixels.shape[1:3]
    mean = np.tile(np.array(rule.mean_rgb, np.float32), width)
    std = np.tile(np.array(rule.std_rgb, np.float32), width)
    x = (tf.reshape(tf.cast(pixels, tf.float32), [-1, height, width * 3]) - mean) / std
    if rule.fill is None:
        x *= tf.cast(_inside(height, content_xyxy[:, 1::2]), tf.float32)[:, :, None]
        columns = tf.repeat(_inside(width, content_xyxy[:, 0::2]), 3, axis=1)
        x *= tf.cast(columns, tf.float32)[:, None, :]
    return tf.reshape(x, [-1, height, width, 3])


def _inside(count: int, ends: Tensor) -> Tensor:
    """[B, `count`]: which of 0, 1, 2 … lie in the half-open range of each row of `ends` [B, 2]."""
    at = tf.range(count)
    return (at >= ends[:, :1]) & (at < ends[:, 1:])
