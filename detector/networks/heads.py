"""Class and box nets: convolutions shared by all levels, each level with its own BatchNorm."""

from __future__ import annotations

from typing import Literal

from detector.networks.ops import Ops, T
from detector.networks.sizes import DetectorSize


def head(
    ops: Ops[T], features: list[T], kind: Literal["class", "box"], outputs: int, spec: DetectorSize
) -> list[T]:
    """[B, H, W, `outputs`] per level: logits of `class`, or codes of `box`, anchor by anchor."""
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
