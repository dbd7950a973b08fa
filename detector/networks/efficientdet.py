"""EfficientDet put together: what a size computes, and what variables it has."""

from __future__ import annotations

from typing import Literal

from detector.networks.backbone import backbone
from detector.networks.bifpn import pyramid
from detector.networks.ops import Ops, T
from detector.networks.shapes import Shape, ShapeOps
from detector.networks.sizes import DetectorSize

ANCHORS_PER_CELL = 9  # three octaves of three shapes


def forward(ops: Ops[T], x: T, spec: DetectorSize, num_classes: int) -> tuple[list[T], list[T]]:
    """Class logits [B, H, W, 9·classes] and box codes [B, H, W, 9·4] per level, finest first.

    The box net never runs in a type shorter than float32: it is small, and what it rounds away
    shows in box edges. The class net, with many outputs, gains most from a short type.
    """
    features = pyramid(ops, backbone(ops, x, spec.backbone), spec)
    logits = _head(ops, features, "class", ANCHORS_PER_CELL * num_classes, spec)
    widened = [ops.widen(feature) for feature in features]
    codes = _head(ops, widened, "box", ANCHORS_PER_CELL * 4, spec)
    return logits, codes


def variables(spec: DetectorSize, num_classes: int) -> dict[str, Shape]:
    """Official names and shapes of everything that is trained or measured in training."""
    recorder = ShapeOps()
    forward(recorder, 3, spec, num_classes)
    return recorder.variables


def _head(
    ops: Ops[T], features: list[T], kind: Literal["class", "box"], outputs: int, spec: DetectorSize
) -> list[T]:
    """A net whose convolutions all levels share, each level with its own BatchNorm.

    [B, H, W, `outputs`] per level: logits of `class`, or codes of `box`, anchor by anchor."""
    predictions = []
    for level, feature in zip(spec.levels, features, strict=True):
        x = feature
        for repeat in range(spec.head_repeats):
            name = f"{kind}_net/{kind}-{repeat}"
            x = ops.separable(
                x, name, spec.channels, norm=f"{name}-bn-{level}", act=spec.activation
            )
        predictions.append(ops.separable(x, f"{kind}_net/{kind}-predict", outputs))
    return predictions
