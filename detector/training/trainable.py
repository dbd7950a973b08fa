"""The interpreter for training: the same layers on variables, with BatchNorm that learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tensorflow as tf

from detector.graph.layers import Filter, LayerOps
from detector.networks.ops import NORM_EPSILON, Tensor

NORM_MOMENTUM = 0.99  # as in all originals
STATISTICS = ("/moving_mean", "/moving_variance")


class TrainableOps(LayerOps):
    """`Ops` on float32 `values` by official name.

    A BatchNorm for which `frozen_norm` says yes keeps its statistics: it is folded into the kernel
    and bias before it, whose gradients then reach gamma and beta; that is twice as fast on a CPU.
    The others normalise by the batch, and `statistics` has what theirs are afterwards.
    """

    def __init__(
        self,
        values: Mapping[str, Tensor],
        *,
        frozen_norm: Callable[[str], bool],
        short: Tensor | None = None,
    ) -> None:
        super().__init__({}, short)
        self._values = values
        self.statistics: dict[str, Tensor] = {}
        self._frozen_norm = frozen_norm

    def _variable(self, name: str, like: Tensor) -> Tensor:
        return tf.cast(self._values[name], like.dtype)

    def _filter(self, x: Tensor, kernel: str, bias: str | None, norm: str | None) -> Filter:
        if norm is None or not self._frozen_norm(norm):
            return super()._filter(x, kernel, bias, norm)
        gamma, beta, mean, variance = self._norm(norm)
        scale = gamma * tf.math.rsqrt(variance + NORM_EPSILON)
        offset = 0.0 if bias is None else self._values[bias]
        per_channel = scale[:, None] if kernel.endswith("/depthwise_kernel") else scale
        return Filter(
            tf.cast(self._values[kernel] * per_channel, x.dtype),
            tf.cast(beta + (offset - mean) * scale, x.dtype),
            None,
        )

    def _convolve(self, x: Tensor, kernel: Tensor, stride: int) -> Tensor:
        pointwise = tuple(kernel.shape[:2]) == (1, 1) and stride == 1
        return _pointwise(x, kernel) if pointwise else super()._convolve(x, kernel, stride)

    def _normalise(self, x: Tensor, name: str) -> Tensor:
        gamma, beta, mean, variance = self._norm(name)
        y, *of_batch = tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=NORM_EPSILON)
        for part, old, new in zip(STATISTICS, (mean, variance), of_batch, strict=True):
            self.statistics[f"{name}{part}"] = old - (1 - NORM_MOMENTUM) * (old - new)
        return y

    def _norm(self, name: str) -> list[Tensor]:
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        return [self._values[f"{name}/{part}"] for part in parts]


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _pointwise(x: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, ...]]]:
    """A 1×1 convolution whose gradients are matrix products: on a CPU TensorFlow's own gradient
    of the kernel takes four times as long as the convolution.
    """
    inputs, outputs = kernel.shape[2:]

    def gradients(upstream: Tensor) -> tuple[Tensor, ...]:
        rows = tf.reshape(upstream, [-1, outputs])
        of_x = tf.matmul(rows, tf.reshape(kernel, [inputs, outputs]), transpose_b=True)
        of_kernel = tf.matmul(tf.reshape(x, [-1, inputs]), rows, transpose_a=True)
        return tf.reshape(of_x, tf.shape(x)), tf.reshape(of_kernel, kernel.shape)

    return tf.nn.conv2d(x, kernel, 1, "SAME"), gradients
