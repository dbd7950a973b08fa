"""From the bytes that cameras deliver to the int8 numbers that a network begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from detector.int8.flat import Quantized
from detector.networks.pixels import PixelRule

_EVERY = np.arange(256, dtype=np.float64)
_HALF = np.uint8(128)


@dataclass(frozen=True, slots=True)
class PixelCode:
    """How a pixel rule is stored. `table` [256, 3] says what each byte of each channel comes to;
    without one it is the byte less 128, which is exact.
    """

    quantized: Quantized
    masked: bool  # whether what is not picture is 0
    table: npt.NDArray[np.int8] | None = None

    @classmethod
    def of(cls, rule: PixelRule) -> PixelCode:
        mean, std = np.array(rule.mean_rgb), np.array(rule.std_rgb)
        numbers = (_EVERY[:, None] - mean) / std  # [256, 3]
        masked = rule.fill is None
        zero = mean[0] - 128
        if (mean == mean[0]).all() and (std == std[0]).all() and zero == np.rint(zero):
            return cls(Quantized(np.array([1 / std[0]], np.float32), int(zero)), masked)
        stored = Quantized.of_range(numbers.min(), numbers.max())
        table = np.rint(numbers / float(stored.scale[0])) + stored.zero
        return cls(stored, masked, np.clip(table, -128, 127).astype(np.int8))

    def numbers(self, stored: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """What is meant by what `write` stored."""
        steps = stored.astype(np.float32) - np.float32(self.quantized.zero)
        return np.asarray(steps * self.quantized.scale, np.float32)

    def write(
        self,
        pixels: npt.NDArray[np.uint8],
        content_xyxy: npt.NDArray[np.int32],
        out: npt.NDArray[Any],
    ) -> None:
        """One picture [H, W, 3], of which only the rectangle `content_xyxy` [4] is picture; as the
        numbers that are meant, where `out` is float32.
        """
        if out.dtype != np.int8:
            stored = np.empty(out.shape, np.int8)
            self.write(pixels, content_xyxy, stored)
            out[...] = self.numbers(stored)
            return
        if self.table is None:
            np.bitwise_xor(pixels, _HALF, out=out.view(np.uint8))
        else:
            out[...] = cv2.LUT(pixels, self.table[:, None])
        if self.masked:
            left, top, right, bottom = content_xyxy
            zero = self.quantized.zero
            out[:top], out[bottom:] = zero, zero
            out[top:bottom, :left], out[top:bottom, right:] = zero, zero
