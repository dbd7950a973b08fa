"""A network that is traced in no time, and something for it to learn."""

from __future__ import annotations

from functools import cache

import numpy as np
import tensorflow as tf

from detector.boxes.candidates import Candidates
from detector.graph.family import Outputs
from detector.letterbox import InputSpec
from detector.networks.ops import Ops, Tensor
from detector.networks.shapes import ShapeOps
from detector.training.losses import Losses, with_total
from detector.training.pipeline import Batch

SIDE, CLASSES = 64, 2
SPEC = InputSpec(SIDE, SIDE)
STEM = "efficientnet-toy/stem/"


class Toy:
    """A family of two layers of backbone and one that says for each picture what it shows."""

    input_spec = SPEC

    def normalise(self, pixels: Tensor, content_xyxy: Tensor) -> Tensor:
        return tf.cast(pixels, tf.float32) / 128 - 1

    def outputs(self, ops: Ops[Tensor], x: Tensor) -> Outputs:
        for name in ("stem", "blocks_0"):
            at = f"efficientnet-toy/{name}"
            x = ops.conv(x, f"{at}/conv2d", 4, size=3, stride=2, norm=f"{at}/bn", act="relu6")
        x = ops.conv(ops.narrow(x), "head/conv2d", 8, norm="head/bn", act="relu6")
        return [[ops.conv(ops.spatial_mean(x), "head/predict", CLASSES, bias=True)]]

    def candidates(self, outputs: Outputs, limit: int) -> Candidates:
        raise AssertionError("training decodes nothing")


class Naming:
    """An objective: the first class of each picture."""

    def targets(self, boxes: Tensor, classes: Tensor, ignored: Tensor) -> Tensor:
        return tf.one_hot(classes[:, 0], CLASSES)

    def loss(self, outputs: Outputs, targets: Tensor, unlabelled: Tensor | None = None) -> Losses:
        logits = outputs[0][0][:, 0, 0]
        wrong = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
        return with_total(
            {"class": tf.reduce_mean(wrong), "size": 1e-3 * tf.reduce_mean(logits**2)}
        )


@cache
def start() -> dict[str, np.ndarray]:
    shapes = ShapeOps()
    Toy().outputs(shapes, 3)
    rng = np.random.default_rng(0)
    return {
        name: (
            rng.normal(0, 0.3, shape) if len(shape) == 4
            else np.ones(shape) if name.endswith(("/gamma", "/moving_variance"))
            else np.zeros(shape)
        ).astype(np.float32)
        for name, shape in shapes.variables.items()
    }  # fmt: skip


@cache
def batch() -> Batch:
    """A bright square on grey in each of two pictures."""
    pixels = np.full((2, SIDE, SIDE, 3), 90, np.uint8)
    pixels[0, 10:42, 8:40] = 250
    pixels[1, 20:60, 20:60] = 10
    boxes = np.array(
        [[[10, 8, 42, 40], [0, 0, 0, 0]], [[20, 20, 60, 60], [0, 0, 0, 0]]], np.float32
    )
    return Batch(
        tf.constant(pixels),
        tf.constant([[0, 0, SIDE, SIDE]] * 2),
        tf.constant(boxes),
        tf.constant([[0, -1], [1, -1]]),
        tf.zeros([2, 2], tf.bool),
        tf.zeros([2, CLASSES], tf.bool),
    )
