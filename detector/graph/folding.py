"""The interpreter for inference: BatchNorm becomes part of the kernel and the bias before it."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from detector.graph.layers import Filter, LayerOps
from detector.networks.ops import NORM_EPSILON, Tensor


class FoldedOps(LayerOps):
    """As `LayerOps`, with one biased convolution for a convolution and its BatchNorm: the form that
    oneDNN and cuDNN fuse with the activation.
    """

    def _filter(self, x: Tensor, kernel: str, bias: str | None, norm: str | None) -> Filter:
        if norm is None:
            return super()._filter(x, kernel, bias, norm)
        gamma, beta, mean, variance = (
            self._arrays[f"{norm}/{part}"].astype(np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + NORM_EPSILON)
        offset = 0.0 if bias is None else self._arrays[bias]
        per_channel = scale[:, None] if kernel.endswith("/depthwise_kernel") else scale
        return Filter(
            tf.constant(self._arrays[kernel] * per_channel, x.dtype),
            tf.constant(beta + (offset - mean) * scale, x.dtype),
            None,
        )
