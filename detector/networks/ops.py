"""The vocabulary that architectures are written in, so that each is written once.

`backbone`, `bifpn`, `heads` and `yolo_network` say what is computed and under which variable names;
who interprets it decides what comes out: names and shapes (`shapes`), or a TensorFlow graph, plain
(`layers`), with BatchNorm folded into the kernels (`folding`), or so that oneDNN can fuse it
(`onednn`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeVar

Tensor = Any  # TensorFlow ships no types; this name says where a tensor is meant
Act = Literal["swish", "relu6", "sigmoid", "leaky"]
T = TypeVar("T")

NORM_EPSILON = 1e-3


class Ops(Protocol[T]):
    """Operations on feature maps [B, H, W, C]. `name` and `norm` are variable names without their
    last part; padding is TensorFlow's SAME; `norm` and then `act` follow the convolution.
    """

    def conv(
        self,
        x: T,
        name: str,
        filters: int,
        *,
        size: int = 1,
        stride: int = 1,
        bias: bool = False,
        norm: str | None = None,
        act: Act | None = None,
    ) -> T:
        """Convolution with `name`/kernel and, if asked for, `name`/bias."""
        ...

    def depthwise(
        self,
        x: T,
        name: str,
        *,
        size: int,
        stride: int = 1,
        norm: str | None = None,
        act: Act | None = None,
    ) -> T:
        """One filter per channel: `name`/depthwise_kernel."""
        ...

    def separable(
        self, x: T, name: str, filters: int, *, norm: str | None = None, act: Act | None = None
    ) -> T:
        """Depthwise 3×3, then pointwise: `name`/{depthwise_kernel,pointwise_kernel,bias}."""
        ...

    def weighted(self, xs: Sequence[T], names: Sequence[str]) -> list[T]:
        """Every x·relu(w) / (Σ relu(w) + 1e-4), with one scalar variable w per input."""
        ...

    def add(self, xs: Sequence[T]) -> T: ...

    def concat(self, xs: Sequence[T]) -> T:
        """Channels one after the other."""
        ...

    def gated_conv(self, x: T, gate: T, name: str, filters: int, *, norm: str) -> T:
        """1×1 convolution of x·gate with `name`/kernel; `gate` is [B, 1, 1, C]."""
        ...

    def activate(self, x: T, act: Act) -> T: ...

    def spatial_mean(self, x: T) -> T:
        """[B, 1, 1, C]."""
        ...

    def max_pool(self, x: T) -> T:
        """Halve height and width: 3×3, stride 2."""
        ...

    def upsample(self, x: T, like: T) -> T:
        """Nearest neighbour, to the height and width of `like`."""
        ...

    def narrow(self, x: T) -> T:
        """To the shorter type, if any, that the following layers may run in."""
        ...

    def widen(self, x: T) -> T:
        """To float32, where the layers before ran in a shorter type."""
        ...

    def channels(self, x: T) -> int: ...
