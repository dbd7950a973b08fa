"""What training asks of a network, for every family in every dialect."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from detector.boxes.anchors import anchor_boxes
from detector.graph.family import Outputs
from detector.networks.ops import Tensor
from detector.networks.sizes import DetectorSize, YoloSize
from detector.training.article import ArticleObjective
from detector.training.automl import AutomlObjective, AutomlOptions
from detector.training.losses import Losses
from detector.training.yolo import YoloObjective, YoloOptions

_Options = TypeVar("_Options", AutomlOptions, YoloOptions)


class Objective(Protocol):
    """What a network is asked to give for a picture's boxes, and what it costs not to."""

    def targets(self, boxes: Tensor, classes: Tensor, ignored: Tensor) -> Any:
        """A tuple of tensors for `loss`, from `boxes` float32 [B, M, 4] y1, x1, y2, x2 in input
        pixels, `classes` int32 [B, M], -1 in rows that are padding, and `ignored` bool [B, M], true
        for regions in which nothing is to be learnt.
        """
        ...

    def loss(self, outputs: Outputs, targets: Any, unlabelled: Tensor | None = None) -> Losses:
        """Of a batch, from what `Family.outputs` gives, as float32. Where a class was `unlabelled`
        in a picture, bool [B, C], background is not taught that it is not there.
        """
        ...


def objective_for(
    dialect: str,
    spec: DetectorSize | YoloSize,
    *,
    num_classes: int,
    input_size: int,
    options: AutomlOptions | YoloOptions | None = None,
) -> Objective:
    """Raises TypeError for options that are another objective's."""
    if isinstance(spec, YoloSize):
        return YoloObjective(input_size, num_classes, _own(YoloOptions, options))
    if dialect.startswith("article"):
        if options is not None:
            raise TypeError("the article's EfficientDet has no options")
        return ArticleObjective(spec, num_classes=num_classes, input_size=input_size)
    anchors = anchor_boxes(input_size, spec.levels, spec.anchor_scale)
    return AutomlObjective(anchors, num_classes, _own(AutomlOptions, options))


def _own(kind: type[_Options], options: object) -> _Options:
    if options is None:
        return kind()
    if not isinstance(options, kind):
        msg = f"{type(options).__name__} given, {kind.__name__} wanted"
        raise TypeError(msg)
    return options
