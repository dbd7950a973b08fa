"""EfficientDet put together: what a size computes, and what variables it has."""

from __future__ import annotations

from detector.networks.backbone import backbone
from detector.networks.bifpn import pyramid
from detector.networks.heads import head
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
    logits = head(ops, features, "class", ANCHORS_PER_CELL * num_classes, spec)
    widened = [ops.widen(feature) for feature in features]
    codes = head(ops, widened, "box", ANCHORS_PER_CELL * 4, spec)
    return logits, codes


def variables(spec: DetectorSize, num_classes: int) -> dict[str, Shape]:
    """Official names and shapes of everything that is trained or measured in training."""
    recorder = ShapeOps()
    forward(recorder, 3, spec, num_classes)
    return recorder.variables
