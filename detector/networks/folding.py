"""BatchNorm as part of the kernel and the bias before it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from detector.networks.ops import NORM_EPSILON

Arrays = Mapping[str, npt.NDArray[np.float32]]
Doubles = npt.NDArray[np.float64]


def folded(arrays: Arrays, kernel: str, bias: str | None, norm: str) -> tuple[Doubles, Doubles]:
    """The kernel and the bias of one convolution that gives what convolution and `norm` give, from
    the full names of the variables.
    """
    gamma, beta, mean, variance = (
        arrays[f"{norm}/{part}"].astype(np.float64)
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + NORM_EPSILON)
    offset = 0.0 if bias is None else arrays[bias]
    per_channel = scale[:, None] if kernel.endswith("/depthwise_kernel") else scale
    return arrays[kernel] * per_channel, beta + (offset - mean) * scale
