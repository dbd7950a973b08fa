"""What google/automl's EfficientDet is taught: focal loss for classes, Huber loss for boxes; or, by
its options, what newer one-stage detectors are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.boxes.decode import decode_boxes
from detector.graph.family import Outputs
from detector.networks.ops import Tensor
from detector.training import assignment, matching
from detector.training.anchor_targets import (
    AnchorTargets,
    anchor_targets,
    by_anchor,
    counted_classes,
)
from detector.training.assignment import Truth, assign
from detector.training.box_iou import IouKind, box_iou
from detector.training.class_losses import focal, varifocal
from detector.training.losses import Losses, with_total
from detector.training.matching import match

_HUBER_DELTA = 0.1
_BOX_WEIGHT = 50.0
_FARTHEST = 8.0  # of a code from its anchor, where boxes are compared

Matching = Literal["original", "low_quality", "dynamic", "aligned"]
ClassLoss = Literal["focal", "varifocal"]
_BY_ANCHOR: dict[str, matching.Rule] = {
    "original": matching.automl,
    "low_quality": matching.generous,
}
_BY_ANSWER: dict[str, assignment.Rule] = {
    "dynamic": assignment.dynamic,
    "aligned": assignment.aligned,
}


@dataclass(frozen=True, slots=True)
class AutomlOptions:
    """All but the defaults are this project's additions: see `matching.generous`, the rules of
    `assignment`, and `class_losses.varifocal`.
    """

    matching: Matching = "original"
    label_smoothing: float = 0.0
    iou_loss: IouKind | None = None  # one more part, on decoded boxes
    class_loss: ClassLoss = "focal"


class AutomlObjective:
    """See `Objective`."""

    def __init__(
        self, anchors: npt.NDArray[np.float32], num_classes: int, options: AutomlOptions
    ) -> None:
        self._anchors = anchors
        self._num_classes = num_classes
        self._options = options

    def targets(self, boxes: Tensor, classes: Tensor, ignored: Tensor) -> AnchorTargets | Truth:
        """What depends on the network's answers is found out with the loss."""
        rule = _BY_ANCHOR.get(self._options.matching)
        if rule is None:
            return Truth(boxes, classes, ignored)
        found = match(boxes, (classes >= 0) & ~ignored, ignored, self._anchors, rule)
        return anchor_targets(found, boxes, classes, self._anchors)

    def loss(
        self, outputs: Outputs, targets: AnchorTargets | Truth, unlabelled: Tensor | None = None
    ) -> Losses:
        """All parts are divided by the number of anchors with a box in the batch, and one; that of
        the class, where it is about quality, by the sum of the qualities.
        """
        logits, codes = by_anchor(outputs[0], self._num_classes), by_anchor(outputs[1], 4)
        quality = None
        if isinstance(targets, Truth):
            targets, quality = self._assigned(targets, logits, codes)
        matched = targets.classes >= 0
        norm = tf.reduce_sum(tf.cast(matched, tf.float32)) + 1.0
        truth = tf.one_hot(targets.classes, self._num_classes)
        counted = counted_classes(targets.classes, unlabelled)
        parts = {"box": _BOX_WEIGHT * _box_loss(codes, targets.codes) / (4.0 * norm)}
        if self._options.class_loss == "focal":
            smoothing = self._options.label_smoothing
            parts["class"] = focal(logits, truth, counted, smoothing=smoothing) / norm
        else:
            if quality is None:
                fit = self._iou(tf.stop_gradient(codes), targets.codes, matched, "iou")
                quality = tf.where(matched, fit, 0.0)
            parts["class"] = varifocal(logits, truth * quality[..., None], counted) / (
                tf.reduce_sum(quality) + 1.0
            )
        if self._options.iou_loss is not None:
            iou = self._iou(codes, targets.codes, matched, self._options.iou_loss)
            parts["iou"] = tf.reduce_sum(1.0 - iou) / (4.0 * norm)
        return with_total(parts)

    def _assigned(
        self, truth: Truth, logits: Tensor, codes: Tensor
    ) -> tuple[AnchorTargets, Tensor]:
        xyxy = decode_boxes(tf.clip_by_value(codes, -_FARTHEST, _FARTHEST), self._anchors)
        yxyx = tf.gather(xyxy, [1, 0, 3, 2], axis=-1)
        rule = _BY_ANSWER[self._options.matching]
        found = assign(truth, logits, yxyx, self._anchors, rule)
        targets = anchor_targets(found.match, truth.boxes, truth.classes, self._anchors)
        return targets, found.quality

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
