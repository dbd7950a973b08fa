"""EfficientNet-YOLOv3: the neck and heads of YOLOv3 on EfficientNet's features.

Its variables, besides the backbone's, for each level L of 5, 4, 3 in the order of computation:

    yolo/pL/reduce/{conv2d,bn}          1×1 before the coarser level is joined (not for 5)
    yolo/pL/five_0 … five_4/{conv2d,bn} 1×1 and 3×3 by turns
    yolo/pL/head/{conv2d,bn}            3×3
    yolo/pL/predict/{kernel,bias}       1×1

with `kernel` under each conv2d and gamma, beta, moving_mean, moving_variance under each bn.
"""

from __future__ import annotations

from detector.networks.backbone import backbone
from detector.networks.ops import Ops, T
from detector.networks.shapes import Shape, ShapeOps
from detector.networks.sizes import YoloSize

BOXES_PER_CELL = 3
BOX_NUMBERS = 5  # x, y, width, height and whether there is anything at all


def forward(ops: Ops[T], x: T, spec: YoloSize, num_classes: int) -> list[T]:
    """[B, H, W, 3·(5 + classes)] at strides 32, 16 and 8: codes of a box, its objectness logit and
    its class logits, box by box.

    All but the last convolutions may run in a type shorter than float32: the neck is most of the
    work, and next to the backbone's roundings its own do not show.
    """
    c3, c4, c5 = backbone(ops, x, spec.backbone)
    outputs = BOXES_PER_CELL * (BOX_NUMBERS + num_classes)
    feature = _five(ops, c5, "yolo/p5", ops.channels(c5))
    raw = [_head(ops, feature, "yolo/p5", outputs)]
    for name, tap in (("yolo/p4", c4), ("yolo/p3", c3)):
        filters = ops.channels(tap)
        coarse = ops.upsample(_unit(ops, feature, f"{name}/reduce", filters), like=tap)
        feature = _five(ops, ops.concat([coarse, tap]), name, filters)
        raw.append(_head(ops, feature, name, outputs))
    return raw


def variables(spec: YoloSize, num_classes: int) -> dict[str, Shape]:
    """Names and shapes of everything that is trained or measured in training."""
    recorder = ShapeOps()
    forward(recorder, 3, spec, num_classes)
    return recorder.variables


def _five(ops: Ops[T], x: T, name: str, filters: int) -> T:
    """Narrow, wide, narrow, wide, narrow."""
    for index in range(5):
        widened = index % 2
        x = _unit(ops, x, f"{name}/five_{index}", filters << widened, size=3 if widened else 1)
    return x


def _head(ops: Ops[T], x: T, name: str, outputs: int) -> T:
    x = _unit(ops, x, f"{name}/head", 2 * ops.channels(x), size=3)
    return ops.conv(ops.widen(x), f"{name}/predict", outputs, bias=True)


def _unit(ops: Ops[T], x: T, name: str, filters: int, *, size: int = 1) -> T:
    return ops.conv(x, f"{name}/conv2d", filters, size=size, norm=f"{name}/bn", act="leaky")
