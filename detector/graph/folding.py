"""The interpreter for inference: BatchNorm becomes part of the kernel and the bias before it."""

from __future__ import annotations

import tensorflow as tf

from detector.graph.layers import Filter, LayerOps
from detector.networks.folding import folded
from detector.networks.ops import Tensor


class FoldedOps(LayerOps):
    """As `LayerOps`, with one biased convolution for a convolution and its BatchNorm: the form that
    oneDNN and cuDNN fuse with the activation.
    """

    def _filter(self, x: Tensor, kernel: str, bias: str | None, norm: str | None) -> Filter:
        if norm is None:
            return super()._filter(x, kernel, bias, norm)
        values, offset = folded(self._arrays, kernel, bias, norm)
        return Filter(tf.constant(values, x.dtype), tf.constant(offset, x.dtype), None)
