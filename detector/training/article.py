"""What the Keras project's EfficientDet is taught: focal loss for classes, smooth L1 for boxes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.boxes.anchors import OCTAVES, cells_per_side
from detector.graph.family import Outputs
from detector.networks.ops import Tensor
from detector.networks.sizes import DetectorSize
from detector.training import matching
from detector.training.anchor_targets import (
    AnchorTargets,
    anchor_targets,
    by_anchor,
    counted_classes,
)
from detector.training.losses import Losses, with_total
from detector.training.matching import Match, match

_ALPHA, _GAMMA = 0.25, 2.0
_QUADRATIC_UP_TO = 1 / 3**2  # smooth L1 with sigma 3
_SHAPES = [1, 0, 2]  # where the official order's 1, 2, .5 (width / height) are
_TINY = 1e-7  # added to probabilities before their logarithm is taken


class ArticleObjective:
    """See `Objective`.

    A box that no anchor fits goes to the one that fits best, and often several fit equally well but
    for the rounding of numbers. To choose as the original does, this matches in its precision, with
    its anchors in its order.
    """

    def __init__(self, spec: DetectorSize, *, num_classes: int, input_size: int) -> None:
        self._input_size = input_size
        self._num_classes = num_classes
        self._original_anchors = _original_anchors(spec, input_size)
        cells = np.arange(len(self._original_anchors)).reshape(-1, 3, 3)  # shape by shape
        self._order = cells.swapaxes(1, 2)[..., _SHAPES].reshape(-1)

    def targets(self, boxes: Tensor, classes: Tensor, ignored: Tensor) -> AnchorTargets:
        boxes = tf.cast(boxes / self._input_size, tf.float64)
        taught = (classes >= 0) & ~ignored
        found = match(boxes, taught, ignored, self._original_anchors, matching.article)
        found = Match(*(tf.gather(each, self._order, axis=1) for each in found))
        return anchor_targets(found, boxes, classes, self._original_anchors[self._order])

    def loss(
        self, outputs: Outputs, targets: AnchorTargets, unlabelled: Tensor | None = None
    ) -> Losses:
        """Both parts are divided by the number of anchors with a box in the batch."""
        logits, codes = by_anchor(outputs[0], self._num_classes), by_anchor(outputs[1], 4)
        matched = targets.classes >= 0
        norm = tf.maximum(tf.reduce_sum(tf.cast(matched, tf.float32)), 1.0)
        error = tf.where(matched[..., None], tf.abs(codes - targets.codes), 0.0)
        return with_total(
            {
                "class": self._class_loss(logits, targets.classes, unlabelled) / norm,
                "box": _smooth_l1(error) / (4.0 * norm),
            }
        )

    def _class_loss(self, logits: Tensor, classes: Tensor, unlabelled: Tensor | None) -> Tensor:
        truth = tf.one_hot(classes, self._num_classes)
        probability = tf.sigmoid(logits)
        right = tf.where(truth > 0.0, probability, 1.0 - probability)
        weight = tf.where(truth > 0.0, _ALPHA, 1.0 - _ALPHA) * (1.0 - right) ** _GAMMA
        counted = counted_classes(classes, unlabelled)
        return -tf.reduce_sum(weight * tf.math.log(right + _TINY) * counted)


def _smooth_l1(error: Tensor) -> Tensor:
    quadratic = tf.minimum(error, _QUADRATIC_UP_TO)
    return tf.reduce_sum(quadratic**2 / (2 * _QUADRATIC_UP_TO) + error - quadratic)


def _original_anchors(spec: DetectorSize, input_size: int) -> npt.NDArray[np.float64]:
    """[A, 4] y1, x1, y2, x2 / input; in a cell, the sizes of one shape after the other."""
    levels = []
    for cells in cells_per_side(input_size, spec.levels):
        stride = input_size / cells
        area = (spec.anchor_scale * stride * np.tile(OCTAVES, 3)) ** 2
        slimness = np.repeat([0.5, 1.0, 2.0], 3)  # height / width
        half = np.sqrt(np.stack([area * slimness, area / slimness], axis=-1)) / 2
        at = (np.arange(cells) + 0.5) * stride
        centre = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1).reshape(-1, 1, 2)
        levels.append(np.concatenate([centre - half, centre + half], axis=-1).reshape(-1, 4))
    return np.concatenate(levels) / input_size
