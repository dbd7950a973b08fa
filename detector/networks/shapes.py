"""The interpreter that computes nothing: it lists an architecture's variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from detector.networks.ops import Act

Shape = tuple[int, ...]


@dataclass(slots=True)
class ShapeOps:
    """`Ops` over channel counts: `variables` fills with official names and their shapes."""

    variables: dict[str, Shape] = field(default_factory=dict)

    def conv(
        self, x: int, name: str, filters: int, *, size: int = 1, stride: int = 1,
        bias: bool = False, norm: str | None = None, act: Act | None = None,
    ) -> int:  # fmt: skip
        self.variables[f"{name}/kernel"] = (size, size, x, filters)
        if bias:
            self.variables[f"{name}/bias"] = (filters,)
        return self._normed(filters, norm)

    def depthwise(
        self, x: int, name: str, *, size: int, stride: int = 1,
        norm: str | None = None, act: Act | None = None,
    ) -> int:  # fmt: skip
        self.variables[f"{name}/depthwise_kernel"] = (size, size, x, 1)
        return self._normed(x, norm)

    def separable(
        self, x: int, name: str, filters: int, *, norm: str | None = None, act: Act | None = None
    ) -> int:
        self.variables[f"{name}/depthwise_kernel"] = (3, 3, x, 1)
        self.variables[f"{name}/pointwise_kernel"] = (1, 1, x, filters)
        self.variables[f"{name}/bias"] = (filters,)
        return self._normed(filters, norm)

    def weighted(self, xs: Sequence[int], names: Sequence[str]) -> list[int]:
        self.variables.update(dict.fromkeys(names, ()))
        return list(xs)

    def add(self, xs: Sequence[int]) -> int:
        return xs[0]

    def concat(self, xs: Sequence[int]) -> int:
        return sum(xs)

    def gated_conv(self, x: int, gate: int, name: str, filters: int, *, norm: str) -> int:
        return self.conv(x, name, filters, norm=norm)

    def activate(self, x: int, act: Act) -> int:
        return x

    def spatial_mean(self, x: int) -> int:
        return x

    def max_pool(self, x: int) -> int:
        return x

    def upsample(self, x: int, like: int) -> int:
        return x

    def narrow(self, x: int) -> int:
        return x

    def widen(self, x: int) -> int:
        return x

    def channels(self, x: int) -> int:
        return x

    def _normed(self, channels: int, norm: str | None) -> int:
        if norm is not None:
            for part in ("gamma", "beta", "moving_mean", "moving_variance"):
                self.variables[f"{norm}/{part}"] = (channels,)
        return channels
