"""The TensorFlow interpreter of an architecture: every layer as its authors wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.networks.ops import NORM_EPSILON, Act, Tensor

Arrays = Mapping[str, npt.NDArray[np.float32]]


class Filter(NamedTuple):
    """A kernel ready for use, the bias after it, and the BatchNorm still to be applied."""

    kernel: Tensor
    bias: Tensor | None
    norm: str | None


class LayerOps:
    """`Ops` on tensors [B, H, W, C] with the arrays of trained weights as constants, each in the
    type of the tensor that it meets; `short` is the type that `narrow` gives, if any.
    """

    def __init__(self, arrays: Arrays, short: Tensor | None = None) -> None:
        self._arrays = arrays
        self._short = short

    def conv(
        self, x: Tensor, name: str, filters: int, *, size: int = 1, stride: int = 1,
        bias: bool = False, norm: str | None = None, act: Act | None = None,
    ) -> Tensor:  # fmt: skip
        used = self._filter(x, f"{name}/kernel", f"{name}/bias" if bias else None, norm)
        return self._finish(self._convolve(x, used.kernel, stride), used, act)

    def depthwise(
        self, x: Tensor, name: str, *, size: int, stride: int = 1,
        norm: str | None = None, act: Act | None = None,
    ) -> Tensor:  # fmt: skip
        used = self._filter(x, f"{name}/depthwise_kernel", None, norm)
        return self._finish(self._depthwise(x, used.kernel, stride), used, act)

    def separable(
        self, x: Tensor, name: str, filters: int, *, norm: str | None = None, act: Act | None = None
    ) -> Tensor:
        per_channel = self._filter(x, f"{name}/depthwise_kernel", None, None)
        mixing = self._filter(x, f"{name}/pointwise_kernel", f"{name}/bias", norm)
        x = self._depthwise(x, per_channel.kernel, 1)
        return self._finish(self._convolve(x, mixing.kernel, 1), mixing, act)

    def weighted(self, xs: Sequence[Tensor], names: Sequence[str]) -> list[Tensor]:
        weights = [tf.nn.relu(self._variable(name, xs[0])) for name in names]
        total = _sum(weights) + 1e-4
        return [x * (weight / total) for x, weight in zip(xs, weights, strict=True)]

    def add(self, xs: Sequence[Tensor]) -> Tensor:
        return _sum(xs)

    def concat(self, xs: Sequence[Tensor]) -> Tensor:
        return tf.concat(xs, axis=-1)

    def gated_conv(self, x: Tensor, gate: Tensor, name: str, filters: int, *, norm: str) -> Tensor:
        return self.conv(x * gate, name, filters, norm=norm)

    def activate(self, x: Tensor, act: Act) -> Tensor:
        if act == "relu6":
            return tf.nn.relu6(x)
        if act == "leaky":
            return tf.nn.leaky_relu(x, 0.1)
        # Written out: oneDNN fuses x·sigmoid(x) into a convolution, but not tf.nn.silu.
        return tf.sigmoid(x) if act == "sigmoid" else x * tf.sigmoid(x)

    def spatial_mean(self, x: Tensor) -> Tensor:
        return tf.reduce_mean(x, axis=[1, 2], keepdims=True)

    def max_pool(self, x: Tensor) -> Tensor:
        return tf.nn.max_pool2d(x, 3, 2, "SAME")

    def upsample(self, x: Tensor, like: Tensor) -> Tensor:
        return tf.raw_ops.ResizeNearestNeighbor(images=x, size=like.shape[1:3])

    def narrow(self, x: Tensor) -> Tensor:
        return x if self._short is None else tf.cast(x, self._short)

    def widen(self, x: Tensor) -> Tensor:
        return tf.cast(x, tf.float32) if x.dtype.size < 4 else x

    def channels(self, x: Tensor) -> int:
        return int(x.shape[-1])

    def _variable(self, name: str, like: Tensor) -> Tensor:
        return tf.constant(self._arrays[name], like.dtype)

    def _filter(self, x: Tensor, kernel: str, bias: str | None, norm: str | None) -> Filter:
        """What a convolution of `x` needs, from the full names of its variables."""
        return Filter(
            self._variable(kernel, x), None if bias is None else self._variable(bias, x), norm
        )

    def _convolve(self, x: Tensor, kernel: Tensor, stride: int) -> Tensor:
        return tf.nn.conv2d(x, kernel, stride, "SAME")

    def _depthwise(self, x: Tensor, kernel: Tensor, stride: int) -> Tensor:
        return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")

    def _finish(self, x: Tensor, used: Filter, act: Act | None) -> Tensor:
        if used.bias is not None:
            x = tf.nn.bias_add(x, used.bias)
        if used.norm is not None:
            x = self._normalise(x, used.norm)
        return x if act is None else self.activate(x, act)

    def _normalise(self, x: Tensor, name: str) -> Tensor:
        gamma, beta, mean, variance = (
            self._variable(f"{name}/{part}", x)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return tf.compat.v1.nn.fused_batch_norm(
            x, gamma, beta, mean, variance, NORM_EPSILON, is_training=False
        )[0]


def _sum(xs: Sequence[Tensor]) -> Tensor:
    """One by one, not by AddN: see `runtime.configure`. From the last to the first: oneDNN has a
    convolution write its output over what is added to it. A node's own level, the first, is the
    one that may come from a convolution; a sum that nobody else reads can be written over, another
    level's features cannot, and for those the kernel keeps copies in itself, which two runs at a
    time would tear apart.
    """
    return reduce(add, reversed(xs))
