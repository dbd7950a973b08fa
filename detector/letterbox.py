"""Where a picture of any size lies inside the network's fixed input, and the way back.

Pure geometry: the camera thread scales by it, the detector maps boxes back by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Align = Literal["top_left", "center", "stretch"]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a detector wants to be fed: uint8 RGB [height, width, 3], picture scaled to fit inside.

    `align` says where the picture lies, `fill` is the RGB value around it; `stretch` leaves nothing
    around, at the price of the aspect ratio.
    """

    height: int
    width: int
    align: Align = "top_left"
    fill: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """One picture's place in the input: source pixel = (input pixel - offset) * scale, by axis."""

    source_wh: tuple[int, int]
    scaled_wh: tuple[int, int]
    offset_xy: tuple[int, int]
    scale_xy: tuple[float, float]

    @classmethod
    def fit(cls, source_wh: tuple[int, int], spec: InputSpec) -> Letterbox:
        """The largest fit that keeps the aspect ratio, or the whole input. Raises ValueError for an
        empty picture.

        Sizes are truncated as each original does: in float32 (`DetectionInputProcessor`), or,
        centred, in Python's numbers.
        """
        width, height = source_wh
        if width < 1 or height < 1:
            msg = f"a picture of {width}x{height} has no pixels"
            raise ValueError(msg)
        if spec.align == "stretch":
            stretch = (width / spec.width, height / spec.height)
            return cls(source_wh, (spec.width, spec.height), (0, 0), stretch)
        number = float if spec.align == "center" else np.float32
        factor = min(number(spec.height) / number(height), number(spec.width) / number(width))
        scaled = (max(1, int(number(width) * factor)), max(1, int(number(height) * factor)))
        offset = (0, 0)
        if spec.align == "center":
            offset = ((spec.width - scaled[0]) // 2, (spec.height - scaled[1]) // 2)
        scale = float(number(1) / factor)
        return cls(source_wh, scaled, offset, (scale, scale))

    @property
    def content_xyxy(self) -> tuple[int, int, int, int]:
        """The picture's rectangle in the input."""
        left, top = self.offset_xy
        return (left, top, left + self.scaled_wh[0], top + self.scaled_wh[1])

    def to_source(self, xyxy_px: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Boxes [N, 4] from input to source pixels, clipped to the picture."""
        offset = np.array(self.offset_xy * 2, np.float32)
        limit = np.array(self.source_wh * 2, np.float32)
        boxes = (xyxy_px - offset) * np.array(self.scale_xy * 2, np.float32)
        clipped: npt.NDArray[np.float32] = np.clip(boxes, np.float32(0), limit).astype(np.float32)
        return clipped
