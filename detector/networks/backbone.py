"""EfficientNet without its classifier: features at strides 8, 16 and 32."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from detector.networks.ops import Ops, T
from detector.networks.sizes import BackboneSize


@dataclass(frozen=True, slots=True)
class _Stage:
    size: int
    stride: int
    expand: int
    channels: int
    repeats: int


@dataclass(frozen=True, slots=True)
class _Block:
    """One inverted bottleneck; `stride` 1 and equal channels make it residual."""

    name: str
    size: int
    stride: int
    expand: int
    filters: int
    ends_stage: int | None  # index of the stage whose last block this is


_STEM_CHANNELS = 32
_STAGES = (
    _Stage(3, 1, 1, 16, 1),
    _Stage(3, 2, 6, 24, 2),
    _Stage(5, 2, 6, 40, 2),
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),
)
_TAPS = (2, 4, 6)  # stages whose outputs have strides 8, 16 and 32
_SQUEEZE = 0.25


def backbone(ops: Ops[T], x: T, spec: BackboneSize) -> list[T]:
    """C3, C4, C5 of a normalised picture [B, H, W, 3].

    Narrow only after the first stage: its depthwise convolution sees single edges, and what it
    rounds away moves boxes and scores more than all that follows together.
    """
    stem = f"{spec.name}/stem"
    channels = _STEM_CHANNELS if spec.lite else _scaled(_STEM_CHANNELS, spec.width)
    x = ops.conv(
        x, f"{stem}/conv2d", channels, size=3, stride=2,
        norm=f"{stem}/tpu_batch_normalization", act=spec.activation,
    )  # fmt: skip
    taps = []
    for block in _blocks(spec):
        x = _bottleneck(ops, x, block, spec)
        if block.ends_stage == 0:
            x = ops.narrow(x)
        if block.ends_stage in _TAPS:
            taps.append(x)
    return taps


def stage_prefixes(spec: BackboneSize, count: int) -> tuple[str, ...]:
    """What the names of variables in the first `count` parts begin with: the stem, then stages."""
    if count < 1:
        return ()
    names = [f"{spec.name}/stem/"]
    done = 1
    for block in _blocks(spec):
        if done < count:
            names.append(f"{block.name}/")
        done += block.ends_stage is not None
    return tuple(names)


def _blocks(spec: BackboneSize) -> Iterator[_Block]:
    index = 0
    for number, stage in enumerate(_STAGES):
        outer = number in (0, len(_STAGES) - 1)
        repeats = stage.repeats if spec.lite and outer else math.ceil(stage.repeats * spec.depth)
        for repeat in range(repeats):
            yield _Block(
                name=f"{spec.name}/blocks_{index}",
                size=stage.size,
                stride=stage.stride if repeat == 0 else 1,
                expand=stage.expand,
                filters=_scaled(stage.channels, spec.width),
                ends_stage=number if repeat == repeats - 1 else None,
            )
            index += 1


def _bottleneck(ops: Ops[T], x: T, block: _Block, spec: BackboneSize) -> T:
    """[expand →] depthwise → [squeeze-and-excite →] project (+ input). Layers of one kind are
    numbered by use, so a block that does not expand begins at the first number with the next layer.
    """
    inputs = ops.channels(x)
    convs = iter([f"{block.name}/conv2d", f"{block.name}/conv2d_1"])
    norms = iter([f"{block.name}/tpu_batch_normalization{i}" for i in ("", "_1", "_2")])
    y = x
    if block.expand > 1:
        y = ops.conv(y, next(convs), inputs * block.expand, norm=next(norms), act=spec.activation)
    y = ops.depthwise(
        y, f"{block.name}/depthwise_conv2d", size=block.size, stride=block.stride,
        norm=next(norms), act=spec.activation,
    )  # fmt: skip
    if spec.lite:
        y = ops.conv(y, next(convs), block.filters, norm=next(norms))
    else:
        gate = _excitation(ops, y, f"{block.name}/se", max(1, int(inputs * _SQUEEZE)))
        y = ops.gated_conv(y, gate, next(convs), block.filters, norm=next(norms))
    residual = block.stride == 1 and block.filters == inputs
    return ops.add([y, x]) if residual else y


def _excitation(ops: Ops[T], x: T, name: str, squeezed: int) -> T:
    """How much of each channel goes on, [B, 1, 1, C] in 0..1."""
    gate = ops.spatial_mean(x)
    gate = ops.conv(gate, f"{name}/conv2d", squeezed, bias=True, act="swish")
    return ops.conv(gate, f"{name}/conv2d_1", ops.channels(x), bias=True, act="sigmoid")


def _scaled(channels: int, width: float) -> int:
    """`channels`·`width`, rounded to a multiple of 8 but never down by more than a tenth."""
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded
