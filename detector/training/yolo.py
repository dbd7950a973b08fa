"""What EfficientNet-YOLOv3 is taught: one prior for each box, and where there is nothing at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from detector.boxes.overlap import area, intersection, iou
from detector.boxes.yolo_decode import PRIORS_WH, STRIDES, decode_boxes, prior_boxes
from detector.graph.family import Outputs
from detector.networks.ops import Tensor
from detector.networks.yolov3 import BOX_NUMBERS, BOXES_PER_CELL
from detector.training.anchor_targets import by_anchor
from detector.training.box_iou import box_iou
from detector.training.losses import Losses, with_total

_BALANCE = (0.4, 1.0, 4.0)  # of objectness, by level, coarsest first
_BOX_RATIO = 0.05
_CODES_SHARE = 0.1  # of it, where codes are compared
_LEVELS = len(STRIDES)


@dataclass(frozen=True, slots=True)
class YoloOptions:
    """Ratios are the weights of objectness and classes; by default they grow with the input's area
    and with the number of classes.
    """

    ciou: bool = True  # otherwise codes are compared
    ignore_threshold: float = 0.5
    obj_ratio: float | None = None
    cls_ratio: float | None = None


class YoloTargets(NamedTuple):
    """Per row of the boxes that came in."""

    prior: Tensor  # int32 [B, M], in the order of `yolo_decode.prior_boxes`; -1 if it is not taught
    xyxy: Tensor  # float32 [B, M, 4]
    classes: Tensor  # float32 [B, M, classes], 1 for all of its prior's boxes
    ignored: Tensor  # bool [B, M]


class YoloObjective:
    """See `Objective`."""

    def __init__(self, input_size: int, num_classes: int, options: YoloOptions) -> None:
        self._input_size = input_size
        self._num_classes = num_classes
        self._options = options
        self._priors = prior_boxes(input_size)
        counts = [BOXES_PER_CELL * (input_size // stride) ** 2 for stride in STRIDES]
        self._starts = np.cumsum([0, *counts[:-1]])
        self._level = np.repeat(np.arange(_LEVELS), counts)  # of each prior

    def targets(self, boxes: Tensor, classes: Tensor, ignored: Tensor) -> YoloTargets:
        """A box goes to the prior of the most similar size in the cell of its centre. Where several
        meet, the last one takes the place of the others, but all their classes stay.
        """
        low, high = boxes[..., 1::-1], boxes[..., 3:1:-1]  # from y, x to x, y
        centre, wh = tf.floor((low + high) / 2), high - low
        taught = (classes >= 0) & ~ignored & tf.reduce_all(wh > 0.0, axis=-1)
        prior = tf.where(taught, self._nearest_prior(centre, wh), -1)
        meet = (prior[:, :, None] == prior[:, None]) & taught[:, None]  # [B, M, M]
        last = tf.reduce_max(tf.where(meet, tf.range(tf.shape(prior)[1]), -1), axis=-1)
        shown = tf.one_hot(classes, self._num_classes)
        return YoloTargets(
            tf.where(last == tf.range(tf.shape(prior)[1]), prior, -1),
            tf.concat([centre - wh / 2, centre + wh / 2], axis=-1),
            tf.minimum(tf.matmul(tf.cast(meet, tf.float32), shown), 1.0),
            ignored,
        )

    def loss(
        self, outputs: Outputs, targets: YoloTargets, unlabelled: Tensor | None = None
    ) -> Losses:
        """Every level's sums are divided by what it has of boxes or priors in the batch. Classes
        are taught where there is a box only, so `unlabelled` ones change nothing.
        """
        by_level = self.losses_by_level(outputs, targets)
        return with_total({name: tf.reduce_sum(part) for name, part in by_level.items()})

    def losses_by_level(self, outputs: Outputs, targets: YoloTargets) -> dict[str, Tensor]:
        """Parts [3], coarsest level first."""
        raw = by_anchor(outputs[0], BOX_NUMBERS + self._num_classes)  # [B, A, 5 + classes]
        row = tf.maximum(targets.prior, 0)
        at_rows = tf.gather(raw, row, batch_dims=1)  # [B, M, 5 + classes]
        level = tf.gather(tf.constant(self._level), row)
        taught = tf.one_hot(tf.where(targets.prior >= 0, level, -1), _LEVELS)  # [B, M, levels]
        count = tf.maximum(tf.reduce_sum(taught, axis=[0, 1]), 1.0)
        class_loss = tf.nn.sigmoid_cross_entropy_with_logits(
            targets.classes, at_rows[..., BOX_NUMBERS:]
        )
        return {
            "box": _by_level(self._box_loss(at_rows, targets), taught) / count,
            "object": self._object_loss(raw, targets),
            "class": self._cls_ratio
            * _by_level(tf.reduce_mean(class_loss, axis=-1), taught)
            / count,
        }

    @property
    def _cls_ratio(self) -> float:
        ratio = self._options.cls_ratio
        return self._num_classes / 80 if ratio is None else ratio

    @property
    def _obj_ratio(self) -> float:
        ratio = self._options.obj_ratio
        return 5.0 * self._input_size**2 / 416**2 if ratio is None else ratio

    def _nearest_prior(self, centre: Tensor, wh: Tensor) -> Tensor:
        """[B, M]; of equally similar ones the smallest."""
        sizes = tf.constant(np.reshape(PRIORS_WH[::-1], [-1, 2]), tf.float32)
        shared = tf.reduce_prod(tf.minimum(wh[..., None, :], sizes), axis=-1)  # [B, M, 9]
        union = tf.reduce_prod(wh, -1)[..., None] + tf.reduce_prod(sizes, -1) - shared
        best = tf.argmax(shared / union, axis=-1, output_type=tf.int32)
        level, shape = _LEVELS - 1 - best // BOXES_PER_CELL, best % BOXES_PER_CELL
        side = self._input_size // tf.gather(tf.constant(STRIDES), level)
        # In the original's order of operations: 248 / 448 · 56 comes out below 31.
        cell = tf.floor(centre / self._input_size * tf.cast(side, tf.float32)[..., None])
        x, y = tf.unstack(
            tf.clip_by_value(tf.cast(cell, tf.int32), 0, side[..., None] - 1), axis=-1
        )
        return tf.gather(tf.constant(self._starts, tf.int32), level) + (
            (y * side + x) * BOXES_PER_CELL + shape
        )

    def _box_loss(self, at_rows: Tensor, targets: YoloTargets) -> Tensor:
        """[B, M]; of what is not taught, any finite number."""
        taught = targets.prior >= 0
        code = tf.where(taught[..., None], at_rows[..., : BOX_NUMBERS - 1], 0.0)
        prior = tf.gather(tf.constant(self._priors), tf.maximum(targets.prior, 0))
        if self._options.ciou:
            alike = box_iou(decode_boxes(code, prior), targets.xyxy, "ciou")
            return _BOX_RATIO * (1.0 - alike)
        low, high = targets.xyxy[..., :2], targets.xyxy[..., 2:]
        corner, stride, prior_wh = prior[..., :2], prior[..., 2:3], prior[..., 3:]
        offset = ((low + high) / 2 - corner) / stride
        wh = tf.where(taught[..., None], high - low, prior_wh)
        xy_loss = tf.nn.sigmoid_cross_entropy_with_logits(offset, code[..., :2])
        wh_loss = 0.5 * (tf.math.log(wh / prior_wh) - code[..., 2:]) ** 2
        scale = 2.0 - tf.reduce_prod(wh / self._input_size, axis=-1)  # small boxes weigh more
        return _BOX_RATIO * _CODES_SHARE * scale * tf.reduce_sum(xy_loss + wh_loss, axis=-1)

    def _object_loss(self, raw: Tensor, targets: YoloTargets) -> Tensor:
        """[3]. A prior without a box is not told that there is nothing where it predicts one of its
        level's boxes well enough, or lies by half or more in an ignored region.
        """
        predicted = tf.stop_gradient(
            decode_boxes(raw[..., : BOX_NUMBERS - 1], tf.constant(self._priors))
        )
        taught, excused = tf.map_fn(
            self._taught_and_excused,
            (predicted, targets),
            fn_output_signature=(tf.TensorSpec([len(self._priors)], tf.bool),) * 2,
        )
        positive, counted = tf.cast(taught, tf.float32), tf.cast(taught | ~excused, tf.float32)
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(positive, raw[..., BOX_NUMBERS - 1])
        level = tf.one_hot(self._level, _LEVELS)  # [A, levels]
        positives, others = _by_level(positive, level), _by_level(counted - positive, level)
        count = tf.maximum(positives, 1.0) + tf.maximum(others, 1.0)
        return self._obj_ratio * tf.constant(_BALANCE) * _by_level(entropy * counted, level) / count

    def _taught_and_excused(self, picture: tuple[Tensor, YoloTargets]) -> tuple[Tensor, Tensor]:
        """Of one picture's priors, each [A]."""
        predicted, targets = picture
        prior, box = targets.prior[:, None], targets.xyxy[:, None]  # [M, 1], [M, 1, 4]
        level = tf.constant(self._level)
        near = iou(box, predicted) >= self._options.ignore_threshold
        near &= (tf.gather(level, tf.maximum(prior, 0)) == level) & (prior >= 0)
        half = area(predicted) / 2
        near |= targets.ignored[:, None] & (intersection(box, predicted) >= half)
        taught = tf.reduce_any(prior == tf.range(len(self._priors)), axis=0)
        return taught, tf.reduce_any(near, axis=0)


def _by_level(x: Tensor, level: Tensor) -> Tensor:
    """Sums [3] of x [B, n], of which `level` [(B,) n, 3] says where each belongs."""
    return tf.reduce_sum(x[..., None] * level, axis=[0, 1])
