"""The EfficientDet family for the plan: its input, its network, its decoding."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from detector.anchors import anchor_boxes
from detector.candidates import Candidates
from detector.decode import decode
from detector.letterbox import InputSpec
from detector.network import forward
from detector.ops import Ops, Tensor
from detector.sizes import DetectorSize


class EfficientDet:
    """One size for `num_classes` classes; `input_size` is a multiple of 32 pixels."""

    def __init__(self, spec: DetectorSize, *, num_classes: int, input_size: int) -> None:
        self._spec = spec
        self._num_classes = num_classes
        self._input_size = input_size
        self._anchors = anchor_boxes(input_size, spec.levels, spec.anchor_scale)

    @property
    def input_spec(self) -> InputSpec:
        red, green, blue = (round(channel) for channel in self._spec.mean_rgb)
        return InputSpec(self._input_size, self._input_size, "top_left", (red, green, blue))

    def normalise(self, pixels: Tensor, content_xyxy: Tensor) -> Tensor:
        """Zero around the picture, whatever the fill: a mean colour need not be a whole number.

        Works on rows of 3·W numbers, which is twice as fast as on W pixels of 3.
        """
        side = self._input_size
        mean = np.tile(np.array(self._spec.mean_rgb, np.float32), side)
        std = np.tile(np.array(self._spec.std_rgb, np.float32), side)
        at = tf.range(side)
        columns = (at >= content_xyxy[:, 0, None]) & (at < content_xyxy[:, 2, None])  # [B, W]
        rows = (at >= content_xyxy[:, 1, None]) & (at < content_xyxy[:, 3, None])  # [B, H]
        x = (tf.reshape(tf.cast(pixels, tf.float32), [-1, side, side * 3]) - mean) / std
        x *= tf.cast(rows, tf.float32)[:, :, None]
        x *= tf.cast(tf.repeat(columns, 3, axis=1), tf.float32)[:, None, :]
        return tf.reshape(x, [-1, side, side, 3])

    def candidates(self, ops: Ops[Tensor], x: Tensor, limit: int) -> Candidates:
        logits, codes = forward(ops, x, self._spec, self._num_classes)
        return decode(logits, codes, self._anchors, num_classes=self._num_classes, limit=limit)
