"""The interpreter for inference on CPUs where TensorFlow computes with oneDNN.

The numbers are those of `FoldedOps`, written in the forms that oneDNN fuses into one pass over
memory: on a CPU EfficientDet spends more time on moving feature maps than on convolving them.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from detector.graph.folding import FoldedOps
from detector.networks.ops import Tensor


class OneDnnOps(FoldedOps):
    """Only for where `has_onednn`: TensorFlow's own kernels refuse grouped convolutions."""

    def gated_conv(self, x: Tensor, gate: Tensor, name: str, filters: int, *, norm: str) -> Tensor:
        """The gate goes into the kernel, so every picture has its own: a product of matrices.

        Its bias is fused only if it has four dimensions and follows a scalar factor that is not 1.
        """
        used = self._filter(x, f"{name}/kernel", None, norm)
        height, width, channels = x.shape[1:]
        kernel = used.kernel * tf.reshape(gate / 2, [-1, 1, channels, 1])  # halving is exact
        y = tf.matmul(tf.reshape(x, [-1, 1, height * width, channels]), kernel)
        y = y * tf.constant(2, x.dtype) + tf.reshape(used.bias, [1, 1, 1, filters])
        return tf.reshape(y, [-1, height, width, filters])

    def spatial_mean(self, x: Tensor) -> Tensor:
        """In a short type as one big pooling window: half the time of TensorFlow's mean, which sums
        more carefully, as float32 needs.
        """
        if x.dtype.size == 4:
            return super().spatial_mean(x)
        return tf.nn.avg_pool2d(x, x.shape[1:3], 1, "VALID")

    def _depthwise(self, x: Tensor, kernel: Tensor, stride: int) -> Tensor:
        """As a convolution with as many groups as channels, which swish can be fused into."""
        height, width, channels, _ = kernel.shape
        return tf.nn.conv2d(x, tf.reshape(kernel, [height, width, 1, channels]), stride, "SAME")


@functools.cache
def has_onednn() -> bool:
    """Whether TensorFlow uses oneDNN here: by default only on processors with neural network
    instructions, and never with TF_ENABLE_ONEDNN_OPTS=0. No function tells, so this tries.
    """
    ones = np.ones((3, 3, 1, 8), np.float32)

    def grouped(x: Tensor) -> Tensor:
        return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, ones, 1, "SAME"), ones[0, 0, 0]))

    try:
        tf.function(grouped, autograph=False)(tf.ones([1, 4, 4, 8]))
    except tf.errors.UnimplementedError:
        return False
    return True
