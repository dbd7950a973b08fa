"""The interpreter that benchmarks compare with: Keras layers in float32, as most people write them.

BatchNorm stays a layer, weights are variables, swish is `tf.nn.silu`. Nothing else uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from detector.graph.layers import Arrays
from detector.networks.ops import NORM_EPSILON, Act, Tensor

_ACTIVATIONS: dict[Act, Callable[[Tensor], Tensor]] = {
    "swish": tf.nn.silu,
    "relu6": tf.nn.relu6,
    "sigmoid": tf.nn.sigmoid,
    "leaky": lambda x: tf.nn.leaky_relu(x, 0.1),
}


class KerasOps:
    """`Ops` on float32 tensors; a layer is made when its name is first met, and met again by
    whoever shares it.
    """

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._layers: dict[str, Tensor] = {}

    def conv(
        self, x: Tensor, name: str, filters: int, *, size: int = 1, stride: int = 1,
        bias: bool = False, norm: str | None = None, act: Act | None = None,
    ) -> Tensor:  # fmt: skip
        layer = tf.keras.layers.Conv2D(
            filters, size, strides=stride, padding="same", use_bias=bias
        )  # fmt: skip
        parts = ("kernel", "bias") if bias else ("kernel",)
        return self._finish(self._apply(x, name, layer, parts), norm, act)

    def depthwise(
        self, x: Tensor, name: str, *, size: int, stride: int = 1,
        norm: str | None = None, act: Act | None = None,
    ) -> Tensor:  # fmt: skip
        layer = tf.keras.layers.DepthwiseConv2D(
            size, strides=stride, padding="same", use_bias=False
        )
        return self._finish(self._apply(x, name, layer, ("depthwise_kernel",)), norm, act)

    def separable(
        self, x: Tensor, name: str, filters: int, *, norm: str | None = None, act: Act | None = None
    ) -> Tensor:
        layer = tf.keras.layers.SeparableConv2D(filters, 3, padding="same")
        parts = ("depthwise_kernel", "pointwise_kernel", "bias")
        return self._finish(self._apply(x, name, layer, parts), norm, act)

    def gated_conv(self, x: Tensor, gate: Tensor, name: str, filters: int, *, norm: str) -> Tensor:
        return self.conv(tf.keras.layers.Multiply()([x, gate]), name, filters, norm=norm)

    def weighted(self, xs: Sequence[Tensor], names: Sequence[str]) -> list[Tensor]:
        weights = [tf.nn.relu(self._scalar(name)) for name in names]
        total = tf.reduce_sum(tf.stack(weights)) + 1e-4
        return [x * weight / total for x, weight in zip(xs, weights, strict=True)]

    def add(self, xs: Sequence[Tensor]) -> Tensor:
        return tf.keras.layers.Add()(list(xs))

    def concat(self, xs: Sequence[Tensor]) -> Tensor:
        return tf.keras.layers.Concatenate()(list(xs))

    def activate(self, x: Tensor, act: Act) -> Tensor:
        return _ACTIVATIONS[act](x)

    def spatial_mean(self, x: Tensor) -> Tensor:
        return tf.keras.layers.GlobalAveragePooling2D(keepdims=True)(x)

    def max_pool(self, x: Tensor) -> Tensor:
        return tf.keras.layers.MaxPooling2D(3, 2, padding="same")(x)

    def upsample(self, x: Tensor, like: Tensor) -> Tensor:
        return tf.image.resize(x, like.shape[1:3], method="nearest")

    def narrow(self, x: Tensor) -> Tensor:
        return x

    def widen(self, x: Tensor) -> Tensor:
        return x

    def channels(self, x: Tensor) -> int:
        return int(x.shape[-1])

    def _finish(self, x: Tensor, norm: str | None, act: Act | None) -> Tensor:
        if norm is not None:
            layer = tf.keras.layers.BatchNormalization(epsilon=NORM_EPSILON)
            parts = ("gamma", "beta", "moving_mean", "moving_variance")
            x = self._apply(x, norm, layer, parts)
        return x if act is None else self.activate(x, act)

    def _apply(self, x: Tensor, name: str, layer: Tensor, parts: Sequence[str]) -> Tensor:
        if name not in self._layers:
            with tf.init_scope():  # variables are made outside the graph that is being traced
                layer.build(x.shape)
                layer.set_weights([self._arrays[f"{name}/{part}"] for part in parts])
            self._layers[name] = layer
        return self._layers[name](x)

    def _scalar(self, name: str) -> Tensor:
        if name not in self._layers:
            with tf.init_scope():
                self._layers[name] = tf.Variable(self._arrays[name])
        return self._layers[name]
