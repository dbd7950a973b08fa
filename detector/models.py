"""Every architecture in every dialect: found by name, before TensorFlow is loaded.

A dialect is what one project made of an architecture: how it prepares pixels, which sizes it
changed, where it cuts boxes off. The weights file says which one its numbers belong to:

    automl              google/automl's EfficientDet
    automl-advprop      the same, trained with other pixel numbers (the published `-ap` weights)
    article             the Keras EfficientDet and EfficientNet-YOLOv3, pictures letterboxed
    article-stretched   the same, pictures stretched to the input
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from detector.api import ModelError
from detector.networks import efficientdet as network
from detector.networks import yolov3 as yolo_network
from detector.networks.shapes import Shape
from detector.networks.sizes import (
    ADVPROP_SIZES,
    ARTICLE_SIZES,
    SIZES,
    YOLO_SIZES,
    DetectorSize,
    YoloSize,
)

if TYPE_CHECKING:
    from detector.graph.family import Family


class Model(Protocol):
    """One architecture in one dialect."""

    @property
    def input_size(self) -> int:
        """Side in pixels that its authors chose."""
        ...

    @property
    def spec(self) -> DetectorSize | YoloSize: ...

    def variables(self, num_classes: int) -> dict[str, Shape]:
        """Names and shapes of its weights."""
        ...

    def family(self, num_classes: int, input_size: int) -> Family:
        """For the plan. Loads TensorFlow."""
        ...


@dataclass(frozen=True, slots=True)
class EfficientDetModel:
    """See `Model`."""

    spec: DetectorSize

    @property
    def input_size(self) -> int:
        return self.spec.input_size

    def variables(self, num_classes: int) -> dict[str, Shape]:
        return network.variables(self.spec, num_classes)

    def family(self, num_classes: int, input_size: int) -> Family:
        from detector.graph.efficientdet import EfficientDet

        return EfficientDet(self.spec, num_classes=num_classes, input_size=input_size)


@dataclass(frozen=True, slots=True)
class YoloModel:
    """See `Model`."""

    spec: YoloSize

    @property
    def input_size(self) -> int:
        return self.spec.input_size

    def variables(self, num_classes: int) -> dict[str, Shape]:
        return yolo_network.variables(self.spec, num_classes)

    def family(self, num_classes: int, input_size: int) -> Family:
        from detector.graph.yolov3 import YoloV3

        return YoloV3(self.spec, num_classes=num_classes, input_size=input_size)


_Spec = TypeVar("_Spec", DetectorSize, YoloSize)


def _stretched(sizes: Mapping[str, _Spec]) -> dict[str, _Spec]:
    return {name: replace(spec, pixels=spec.pixels.stretched) for name, spec in sizes.items()}


def _models(
    efficientdet: Mapping[str, DetectorSize], yolo: Mapping[str, YoloSize] | None = None
) -> dict[str, Model]:
    models: dict[str, Model] = {k: EfficientDetModel(spec) for k, spec in efficientdet.items()}
    return models | {name: YoloModel(spec) for name, spec in (yolo or {}).items()}


DIALECTS: dict[str, dict[str, Model]] = {
    "automl": _models(SIZES),
    "automl-advprop": _models(ADVPROP_SIZES),
    "article": _models(ARTICLE_SIZES, YOLO_SIZES),
    "article-stretched": _models(_stretched(ARTICLE_SIZES), _stretched(YOLO_SIZES)),
}
NAMES: tuple[str, ...] = (*SIZES, *YOLO_SIZES)


def check_name(name: str) -> None:
    """Raises ModelError for an architecture that exists in no dialect."""
    if name not in NAMES:
        msg = f"unknown model {name}; known are {', '.join(NAMES)}"
        raise ModelError(msg)


def find_model(name: str, dialect: str) -> Model:
    """Raises ModelError where there is no such architecture in that dialect."""
    check_name(name)
    known = [other for other, models in DIALECTS.items() if name in models]
    if dialect not in known:
        msg = f"{name} is not known in the dialect {dialect!r}, only in {', '.join(known)}"
        raise ModelError(msg)
    return DIALECTS[dialect][name]
