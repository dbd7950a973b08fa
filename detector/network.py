"""EfficientDet put together: what a size computes, and what variables it has. No TensorFlow."""

from __future__ import annotations

from detector.backbone import backbone
from detector.bifpn import pyramid
from detector.heads import head
from detector.ops import Ops, T
from detector.shapes import Shape, ShapeOps
from detector.sizes import DetectorSize

ANCHORS_PER_CELL = 9  # three octaves of three shapes


def forward(ops: Ops[T], x: T, spec: DetectorSize, num_classes: int) -> tuple[list[T], list[T]]:
    """Class logits [B, H, W, 9·classes] and box codes [B, H, W, 9·4] per level, finest first.

    Only the backbone runs in the type of `x` where that is shorter than float32: pyramid and heads
    are small, and what they round away shows in scores and box edges.
    """
    taps = [ops.widen(tap) for tap in backbone(ops, x, spec.backbone)]
    features = pyramid(ops, taps, spec)
    logits = head(ops, features, "class", ANCHORS_PER_CELL * num_classes, spec)
    codes = head(ops, features, "box", ANCHORS_PER_CELL * 4, spec)
    return logits, codes


def variables(spec: DetectorSize, num_classes: int) -> dict[str, Shape]:
    """Official names and shapes of everything that is trained or measured in training."""
    recorder = ShapeOps()
    forward(recorder, 3, spec, num_classes)
    return recorder.variables
