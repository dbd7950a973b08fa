"""The interpreter of an architecture that writes a LiteRT model, in float32 or in int8.

Without ranges every feature map stays float32 and is an output: so ranges are measured. With them
feature maps and kernels are int8, kernels with a scale for each output channel, except the layers
that are named to stay in float32. Both forms have the same operations under the same names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.int8.flat import FlatModel, Quantized
from detector.networks.folding import Arrays, folded
from detector.networks.ops import Act

Range = tuple[float, float]
_SAME = 0
_RELU6 = 3  # ActivationFunctionType
_LOGISTIC = Quantized(np.array([1 / 256], np.float32), -128)  # as LiteRT wants it
_MOST_IN_BIAS = 2.0**30
_LEAST_STEP = 2.0**-31  # of a sum, seen from the output: XNNPACK multiplies by no less


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature map [1, H, W, C] of the model; int8 where it is quantised."""

    tensor: int
    shape: tuple[int, int, int, int]
    name: str
    quantized: Quantized | None = None


@dataclass(slots=True)
class _Sum:
    """The newest addition, which an activation may still become part of."""

    feature: Feature
    options: Any


@dataclass(slots=True)
class LiteOps:
    """`Ops` on features. `kept` names layers, by how their names begin, that stay float32."""

    arrays: Arrays
    ranges: Mapping[str, Range] | None = None
    kept: Collection[str] = ()
    model: FlatModel = field(default_factory=FlatModel)
    features: dict[str, Feature] = field(default_factory=dict)  # all, in order
    _names: Counter[str] = field(default_factory=Counter)
    _converted: dict[tuple[int, bool], Feature] = field(default_factory=dict)
    _sum: _Sum | None = None

    def input(self, shape: tuple[int, int, int, int], quantized: Quantized) -> Feature:
        """Where pictures come in."""
        stored = None if self.ranges is None else quantized
        return Feature(self.model.variable(shape, "input", stored), shape, "input", stored)

    def conv(
        self, x: Feature, name: str, filters: int, *, size: int = 1, stride: int = 1,
        bias: bool = False, norm: str | None = None, act: Act | None = None,
    ) -> Feature:  # fmt: skip
        kernel, offset = self._filter(f"{name}/kernel", f"{name}/bias" if bias else None, norm)
        return self._convolve(x, name, kernel, offset, stride, norm, act)

    def depthwise(
        self, x: Feature, name: str, *, size: int, stride: int = 1,
        norm: str | None = None, act: Act | None = None,
    ) -> Feature:  # fmt: skip
        kernel, offset = self._filter(f"{name}/depthwise_kernel", None, norm)
        return self._depthwise(x, name, kernel, offset, stride, norm, act)

    def separable(
        self, x: Feature, name: str, filters: int, *, norm: str | None = None,
        act: Act | None = None,
    ) -> Feature:  # fmt: skip
        kernel, offset = self._filter(f"{name}/depthwise_kernel", None, None)
        x = self._depthwise(x, name, kernel, offset, 1, None, None)
        kernel, offset = self._filter(f"{name}/pointwise_kernel", f"{name}/bias", norm)
        return self._convolve(x, name, kernel, offset, 1, norm, act)

    def weighted(self, xs: Sequence[Feature], names: Sequence[str]) -> list[Feature]:
        weights = [np.maximum(self.arrays[name], 0) for name in names]
        total = np.float32(sum(weights) + 1e-4)
        return [
            self._times(x, np.float32(weight / total).reshape(1), name)
            for x, weight, name in zip(xs, weights, names, strict=True)
        ]

    def add(self, xs: Sequence[Feature]) -> Feature:
        first, *others = xs
        for other in others:
            first = self._together("ADD", first, other, "add")
        return first

    def concat(self, xs: Sequence[Feature]) -> Feature:
        narrow = self._narrow(xs[0].name)
        out = self._feature((*xs[0].shape[:3], sum(x.shape[3] for x in xs)), "concat", narrow)
        inputs = [self._as(x, narrow).tensor for x in xs]
        self.model.operator("CONCATENATION", inputs, out.tensor, version=2, axis=3)
        return out

    def gated_conv(
        self, x: Feature, gate: Feature, name: str, filters: int, *, norm: str
    ) -> Feature:
        gated = self._together("MUL", x, gate, f"{name}/gated")
        return self.conv(gated, name, filters, norm=norm)

    def activate(self, x: Feature, act: Act) -> Feature:
        if act == "relu6":
            return self._clipped(x)
        if act == "leaky":
            out = self._feature(x.shape, f"{x.name}/leaky", x.quantized is not None)
            self.model.operator("LEAKY_RELU", [x.tensor], out.tensor, version=2, alpha=0.1)
            return out
        gate = self._feature(x.shape, f"{x.name}/sigmoid", x.quantized is not None, _LOGISTIC)
        self.model.operator("LOGISTIC", [x.tensor], gate.tensor, version=2)
        return gate if act == "sigmoid" else self._together("MUL", x, gate, f"{x.name}/swish")

    def spatial_mean(self, x: Feature) -> Feature:
        out = self._feature((1, 1, 1, x.shape[3]), f"{x.name}/mean", x.quantized is not None)
        axes = self.model.constant(np.array([1, 2], np.int32), "axes")
        self.model.operator("MEAN", [x.tensor, axes], out.tensor, version=2, keepDims=True)
        return out

    def max_pool(self, x: Feature) -> Feature:
        _, height, width, channels = x.shape
        shape = (1, (height + 1) // 2, (width + 1) // 2, channels)
        out = self._like(x, shape, "pool")
        self.model.operator(
            "MAX_POOL_2D", [x.tensor], out.tensor, version=2,
            padding=_SAME, strideH=2, strideW=2, filterHeight=3, filterWidth=3,
        )  # fmt: skip
        return out

    def upsample(self, x: Feature, like: Feature) -> Feature:
        _, height, width, _ = like.shape
        out = self._like(x, (1, height, width, x.shape[3]), "upsample")
        size = self.model.constant(np.array([height, width], np.int32), "size")
        self.model.operator("RESIZE_NEAREST_NEIGHBOR", [x.tensor, size], out.tensor, version=2)
        return out

    def narrow(self, x: Feature) -> Feature:
        return x

    def widen(self, x: Feature) -> Feature:
        return x

    def channels(self, x: Feature) -> int:
        return x.shape[3]

    def _filter(
        self, kernel: str, bias: str | None, norm: str | None
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        if norm is not None:
            return folded(self.arrays, kernel, bias, norm)
        values = self.arrays[kernel]
        outputs = values.shape[2 if kernel.endswith("/depthwise_kernel") else 3]
        return values, np.zeros(outputs) if bias is None else self.arrays[bias]

    def _convolve(
        self, x: Feature, name: str, kernel: npt.NDArray[Any], bias: npt.NDArray[Any],
        stride: int, norm: str | None, act: Act | None,
    ) -> Feature:  # fmt: skip
        _, height, width, _ = x.shape
        narrow = self._narrow(name)
        x = self._as(x, narrow)
        shape = (1, -(-height // stride), -(-width // stride), kernel.shape[3])
        out = self._feature(shape, norm or name, narrow)
        inputs = self._constants(x, out, kernel.transpose(3, 0, 1, 2), bias, axis=0)
        self.model.operator(
            "CONV_2D", [x.tensor, *inputs], out.tensor, version=3 if narrow else 1, padding=_SAME,
            strideH=stride, strideW=stride, fusedActivationFunction=_RELU6 * (act == "relu6"),
        )  # fmt: skip
        return out if act in (None, "relu6") else self.activate(out, act)

    def _depthwise(
        self, x: Feature, name: str, kernel: npt.NDArray[Any], bias: npt.NDArray[Any],
        stride: int, norm: str | None, act: Act | None,
    ) -> Feature:  # fmt: skip
        _, height, width, channels = x.shape
        narrow = self._narrow(name)
        x = self._as(x, narrow)
        shape = (1, -(-height // stride), -(-width // stride), channels)
        out = self._feature(shape, norm or f"{name}/depthwise", narrow)
        inputs = self._constants(x, out, kernel.transpose(3, 0, 1, 2), bias, axis=3)
        self.model.operator(
            "DEPTHWISE_CONV_2D", [x.tensor, *inputs], out.tensor, version=3 if narrow else 1,
            padding=_SAME, strideH=stride, strideW=stride, depthMultiplier=1,
            fusedActivationFunction=_RELU6 * (act == "relu6"),
        )  # fmt: skip
        return out if act in (None, "relu6") else self.activate(out, act)

    def _constants(
        self, x: Feature, out: Feature, kernel: npt.NDArray[Any], bias: npt.NDArray[Any], *,
        axis: int,
    ) -> list[int]:  # fmt: skip
        """Kernel and bias; in int8 with a scale for each output, which lie along `axis`."""
        if x.quantized is None or out.quantized is None:
            arrays = (kernel.astype(np.float32), bias.astype(np.float32))
            return [self.model.constant(each, f"{out.name}/constant") for each in arrays]
        others = tuple(each for each in range(4) if each != axis)
        step = float(x.quantized.scale[0])
        scale = np.abs(kernel).max(axis=others) / 127
        scale = np.maximum(scale, np.abs(bias) / (step * _MOST_IN_BIAS))
        scale = np.maximum(scale, float(out.quantized.scale[0]) / step * _LEAST_STEP)
        along = scale.reshape([-1 if each == axis else 1 for each in range(4)])
        stored = np.clip(np.rint(kernel / along), -127, 127).astype(np.int8)
        sums = np.rint(bias / (scale * step)).astype(np.int32)
        return [
            self.model.constant(
                stored, f"{out.name}/kernel", Quantized(scale.astype(np.float32), axis=axis)
            ),
            self.model.constant(
                sums, f"{out.name}/bias", Quantized((scale * step).astype(np.float32))
            ),
        ]

    def _together(self, kind: str, a: Feature, b: Feature, name: str) -> Feature:
        narrow = a.quantized is not None or b.quantized is not None
        a, b = self._as(a, narrow), self._as(b, narrow)
        out = self._feature(a.shape, name, narrow)
        options = self.model.operator(kind, [a.tensor, b.tensor], out.tensor, version=2)
        self._sum = _Sum(out, options) if kind == "ADD" else None
        return out

    def _times(self, x: Feature, factor: npt.NDArray[np.float32], name: str) -> Feature:
        narrow = x.quantized is not None
        out = self._feature(x.shape, name, narrow)
        if narrow:
            stored = Quantized(np.maximum(factor / 127, np.float32(1e-8)))
            constant = self.model.constant(np.array([127], np.int8), f"{out.name}/factor", stored)
        else:
            constant = self.model.constant(factor, f"{out.name}/factor")
        self.model.operator("MUL", [x.tensor, constant], out.tensor, version=2)
        return out

    def _clipped(self, x: Feature) -> Feature:
        """Part of the sum that gave `x`: nobody else reads it."""
        if self._sum is None or self._sum.feature is not x:
            out = self._feature(x.shape, f"{x.name}/relu6", x.quantized is not None)
            self.model.operator("RELU6", [x.tensor], out.tensor, version=2)
            return out
        self._sum.options.fusedActivationFunction = _RELU6
        return x

    def _narrow(self, layer: str) -> bool:
        return self.ranges is not None and not layer.startswith(tuple(self.kept))

    def _as(self, x: Feature, narrow: bool) -> Feature:
        """In int8 or in float32, converted once for all who ask."""
        if narrow == (x.quantized is not None):
            return x
        key = (x.tensor, narrow)
        if key not in self._converted:
            stored = self._range(x.name) if narrow else None
            tensor = self.model.variable(x.shape, f"{x.name}/converted", stored)
            kind = "QUANTIZE" if narrow else "DEQUANTIZE"
            self.model.operator(kind, [x.tensor], tensor, version=1 if narrow else 2)
            self._converted[key] = Feature(tensor, x.shape, x.name, stored)
        return self._converted[key]

    def _feature(
        self, shape: tuple[int, int, int, int], name: str, narrow: bool,
        stored: Quantized | None = None,
    ) -> Feature:  # fmt: skip
        name = self._unique(name)
        quantized = (stored or self._range(name)) if narrow else None
        made = Feature(self.model.variable(shape, name, quantized), shape, name, quantized)
        self.features[name] = made
        return made

    def _like(self, x: Feature, shape: tuple[int, int, int, int], name: str) -> Feature:
        """A feature of numbers of `x`: stored as they are."""
        name = self._unique(name)
        return Feature(self.model.variable(shape, name, x.quantized), shape, x.name, x.quantized)

    def _unique(self, name: str) -> str:
        self._names[name] += 1
        number = self._names[name]
        return name if number == 1 else f"{name}#{number}"

    def _range(self, name: str) -> Quantized:
        assert self.ranges is not None  # noqa: S101 - asked for in int8 only
        return Quantized.of_range(*self.ranges[name])
