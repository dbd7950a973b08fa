"""Both families as data: one row per size and dialect."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from detector.networks.pixels import (
    ADVPROP,
    IMAGENET,
    IMAGENET_ON_GREY,
    LITE,
    UNIT_ON_GREY,
    PixelRule,
)

Activation = Literal["swish", "relu6"]
Fusion = Literal["fast", "sum"]


@dataclass(frozen=True, slots=True)
class BackboneSize:
    """One EfficientNet: how much wider and deeper than B0. Lite ones have no squeeze-and-excite,
    relu6 for swish, and neither their stem nor their outer stages grow.
    """

    name: str
    width: float
    depth: float
    lite: bool = False

    @property
    def activation(self) -> Activation:
        return "relu6" if self.lite else "swish"


@dataclass(frozen=True, slots=True)
class DetectorSize:
    """One EfficientDet: backbone, its own input side in pixels, BiFPN channels and cells, separable
    convolutions per head, anchor side in strides, how a BiFPN node adds up, the last level, how
    pixels become numbers, and whether boxes are cut off at the input's edge before suppression.
    """

    name: str
    backbone: BackboneSize
    input_size: int
    channels: int
    cells: int
    head_repeats: int
    anchor_scale: float
    fusion: Fusion
    max_level: int = 7
    pixels: PixelRule = IMAGENET
    clipped: bool = False

    @property
    def levels(self) -> range:
        """Pyramid levels, finest first; level l has stride 2**l."""
        return range(3, self.max_level + 1)

    @property
    def activation(self) -> Activation:
        return self.backbone.activation


@dataclass(frozen=True, slots=True)
class YoloSize:
    """One EfficientNet-YOLOv3; everything after the backbone follows from its channels."""

    name: str
    backbone: BackboneSize
    input_size: int = 416
    pixels: PixelRule = UNIT_ON_GREY


_B0 = BackboneSize("efficientnet-b0", 1.0, 1.0)
_B1 = BackboneSize("efficientnet-b1", 1.0, 1.1)
_B2 = BackboneSize("efficientnet-b2", 1.1, 1.2)
_B3 = BackboneSize("efficientnet-b3", 1.2, 1.4)
_B4 = BackboneSize("efficientnet-b4", 1.4, 1.8)
_B5 = BackboneSize("efficientnet-b5", 1.6, 2.2)
_B6 = BackboneSize("efficientnet-b6", 1.8, 2.6)
_B7 = BackboneSize("efficientnet-b7", 2.0, 3.1)
_LITE0 = BackboneSize("efficientnet-lite0", 1.0, 1.0, lite=True)
_LITE1 = BackboneSize("efficientnet-lite1", 1.0, 1.1, lite=True)
_LITE2 = BackboneSize("efficientnet-lite2", 1.1, 1.2, lite=True)
_LITE3 = BackboneSize("efficientnet-lite3", 1.2, 1.4, lite=True)
_LITE4 = BackboneSize("efficientnet-lite4", 1.4, 1.8, lite=True)

# fmt: off
_ROWS = (
    #             name              backbone input  ch cells repeats anchor fusion
    DetectorSize("efficientdet-d0",     _B0,  512,  64, 3, 3, 4.0, "fast"),
    DetectorSize("efficientdet-d1",     _B1,  640,  88, 4, 3, 4.0, "fast"),
    DetectorSize("efficientdet-d2",     _B2,  768, 112, 5, 3, 4.0, "fast"),
    DetectorSize("efficientdet-d3",     _B3,  896, 160, 6, 4, 4.0, "fast"),
    DetectorSize("efficientdet-d4",     _B4, 1024, 224, 7, 4, 4.0, "fast"),
    DetectorSize("efficientdet-d5",     _B5, 1280, 288, 7, 4, 4.0, "fast"),
    DetectorSize("efficientdet-d6",     _B6, 1280, 384, 8, 5, 4.0, "sum"),
    DetectorSize("efficientdet-d7",     _B6, 1536, 384, 8, 5, 5.0, "sum"),
    DetectorSize("efficientdet-d7x",    _B7, 1536, 384, 8, 5, 4.0, "sum", max_level=8),
    DetectorSize("efficientdet-lite0", _LITE0, 320,  64, 3, 3, 3.0, "sum", pixels=LITE),
    DetectorSize("efficientdet-lite1", _LITE1, 384,  88, 4, 3, 3.0, "sum", pixels=LITE),
    DetectorSize("efficientdet-lite2", _LITE2, 448, 112, 5, 3, 3.0, "sum", pixels=LITE),
    DetectorSize("efficientdet-lite3", _LITE3, 512, 160, 6, 4, 4.0, "sum", pixels=LITE),
    DetectorSize("efficientdet-lite3x", _LITE3, 640, 200, 6, 4, 3.0, "sum", pixels=LITE),
    DetectorSize("efficientdet-lite4", _LITE4, 640, 224, 7, 4, 4.0, "sum", pixels=LITE),
)
# fmt: on

SIZES: dict[str, DetectorSize] = {row.name: row for row in _ROWS}
_PLAIN, _KERAS = _ROWS[:9], _ROWS[:8]  # d0 … d7x, d0 … d7

# The same networks, trained on numbers from -1 to 1.
ADVPROP_SIZES: dict[str, DetectorSize] = {row.name: replace(row, pixels=ADVPROP) for row in _PLAIN}

# The Keras project's: its d6 sees more than the original's, its d7 stands on another backbone.
_KERAS_CHANGES: dict[str, dict[str, Any]] = {
    "efficientdet-d6": {"input_size": 1408},
    "efficientdet-d7": {"backbone": _B7, "anchor_scale": 4.0},
}
ARTICLE_SIZES: dict[str, DetectorSize] = {
    row.name: replace(
        row, pixels=IMAGENET_ON_GREY, clipped=True, **_KERAS_CHANGES.get(row.name, {})
    )
    for row in _KERAS
}

_YOLO_ROWS = tuple(
    YoloSize(backbone.name.replace("efficientnet-", "efficientnet-yolov3-"), backbone)
    for backbone in (_B0, _B1, _B2, _B3, _B4, _B5, _B6, _B7)
)
YOLO_SIZES: dict[str, YoloSize] = {row.name: row for row in _YOLO_ROWS}
