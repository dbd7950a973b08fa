"""What google/automl's EfficientDet is taught: focal loss for classes, Huber loss for boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.boxes.decode import decode_boxes
from detector.graph.family import Outputs
from detector.networks.ops import Tensor
from detector.training import matching
from detector.training.anchor_targets import IGNORED, AnchorTargets, anchor_targets, by_anchor
from detector.training.box_iou import IouKind, box_iou
from detector.training.losses import Losses, with_total
from detector.training.matching import match

_ALPHA, _GAMMA = 0.25, 1.5
_HUBER_DELTA = 0.1
_BOX_WEIGHT = 50.0

Matching = Literal["original", "low_quality"]
_RULES: dict[Matching, matching.Rule] = {
    "original": matching.automl,
    "low_quality": matching.generous,
}


@dataclass(frozen=True, slots=True)
class AutomlOptions:
    """`low_quality` is this project's addition: see `matching.generous`."""

    matching: Matching = "original"
    label_smoothing: float = 0.0
    iou_loss: IouKind | None = None  # one more part, on decoded boxes


class AutomlObjective:
    """See `Objective`."""

    def __init__(
        self, anchors: npt.NDArray[np.float32], num_classes: int, options: AutomlOptions
    ) -> None:
        self._anchors = anchors
        self._num_classes = num_classes
        self._options = options

    def targets(self, boxes: Tensor, classes: Tensor, ignored: Tensor) -> AnchorTargets:
        taught = (classes >= 0) & ~ignored
        found = match(boxes, taught, ignored, self._anchors, _RULES[self._options.matching])
        return anchor_targets(found, boxes, classes, self._anchors)

    def loss(self, outputs: Outputs, targets: AnchorTargets) -> Losses:
        """All parts are divided by the number of anchors with a box in the batch, and one."""
        logits, codes = by_anchor(outputs[0], self._num_classes), by_anchor(outputs[1], 4)
        matched = targets.classes >= 0
        norm = tf.reduce_sum(tf.cast(matched, tf.float32)) + 1.0
        parts = {
            "class": self._class_loss(logits, targets.classes) / norm,
            "box": _BOX_WEIGHT * _box_loss(codes, targets.codes) / (4.0 * norm),
        }
        if self._options.iou_loss is not None:
            iou = self._iou(codes, targets.codes, matched, self._options.iou_loss)
            parts["iou"] = tf.reduce_sum(1.0 - iou) / (4.0 * norm)
        return with_total(parts)

    def _class_loss(self, logits: Tensor, classes: Tensor) -> Tensor:
        truth = tf.one_hot(classes, self._num_classes)
        wrong = tf.abs(truth - tf.sigmoid(logits))  # 1 - the probability of the truth
        weight = tf.where(truth > 0.0, _ALPHA, 1.0 - _ALPHA) * wrong**_GAMMA
        smoothing = self._options.label_smoothing
        smooth = truth * (1.0 - smoothing) + 0.5 * smoothing
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(smooth, logits)
        counted = tf.cast(classes != IGNORED, tf.float32)[..., None]
        return tf.reduce_sum(weight * entropy * counted)

    def _iou(self, codes: Tensor, wanted: Tensor, matched: Tensor, kind: IouKind) -> Tensor:
        """[B, A], 1 without a box: there both are decoded from zeros, since the exponential of a
        code that nobody taught would make gradients NaN.
        """
        codes = tf.where(matched[..., None], codes, 0.0)
        anchors = tf.constant(self._anchors)
        return box_iou(decode_boxes(codes, anchors), decode_boxes(wanted, anchors), kind)


def _box_loss(codes: Tensor, wanted: Tensor) -> Tensor:
    """The original's mask: numbers that should be exactly 0 are not taught."""
    error = tf.where(wanted != 0.0, tf.abs(codes - wanted), 0.0)
    quadratic = tf.minimum(error, _HUBER_DELTA)
    return tf.reduce_sum(0.5 * quadratic**2 + _HUBER_DELTA * (error - quadratic))
