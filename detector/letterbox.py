"""Where a picture of any size lies inside the network's fixed input, and the way back.

Pure geometry, no TensorFlow: the camera thread scales by it, the detector maps boxes back by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a detector wants to be fed: uint8 RGB [height, width, 3], picture scaled to fit inside.

    `align` says where the picture lies, `fill` is the RGB value around it.
    """

    height: int
    width: int
    align: Literal["top_left", "center"] = "top_left"
    fill: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """One picture's place in the input: source pixel = (input pixel - offset) * scale."""

    source_wh: tuple[int, int]
    scaled_wh: tuple[int, int]
    offset_xy: tuple[int, int]
    scale: float

    @classmethod
    def fit(cls, source_wh: tuple[int, int], spec: InputSpec) -> Letterbox:
        """The largest fit that keeps the aspect ratio; sizes truncated in float32, as in the
        original EfficientDet's `DetectionInputProcessor`.

        Raises ValueError for an empty picture.
        """
        width, height = source_wh
        if width < 1 or height < 1:
            msg = f"a picture of {width}x{height} has no pixels"
            raise ValueError(msg)
        factor = min(
            np.float32(spec.height) / np.float32(height), np.float32(spec.width) / np.float32(width)
        )
        scaled = (max(1, int(np.float32(width) * factor)), max(1, int(np.float32(height) * factor)))
        offset = (0, 0)
        if spec.align == "center":
            offset = ((spec.width - scaled[0]) // 2, (spec.height - scaled[1]) // 2)
        return cls(source_wh, scaled, offset, float(np.float32(1) / factor))

    def to_source(self, xyxy_px: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Boxes [N, 4] from input to source pixels, clipped to the picture."""
        offset = np.array(self.offset_xy * 2, np.float32)
        limit = np.array(self.source_wh * 2, np.float32)
        boxes = (xyxy_px - offset) * np.float32(self.scale)
        clipped: npt.NDArray[np.float32] = np.clip(boxes, np.float32(0), limit).astype(np.float32)
        return clipped
