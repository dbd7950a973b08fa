"""Where a picture of any size lies inside the network's fixed input, and the way back.

Pure geometry: the camera thread scales by it, the detector maps boxes back by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Align = Literal["top_left", "center", "stretch"]
Rect = tuple[float, float, float, float]  # x1, y1, x2, y2


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
    """The place in the input of one picture, or of a part of it: source pixel = (input pixel -
    offset) * scale + corner of the part, by axis.
    """

    source_wh: tuple[int, int]  # of the whole picture
    scaled_wh: tuple[int, int]
    offset_xy: tuple[int, int]
    scale_xy: tuple[float, float]
    part_xyxy: Rect  # of the source; all of it, unless told otherwise

    @classmethod
    def fit(
        cls, source_wh: tuple[int, int], spec: InputSpec, part: Rect | None = None
    ) -> Letterbox:
        """The largest fit that keeps the aspect ratio, or the whole input. Raises ValueError for an
        empty picture.

        Sizes are truncated as each original does: in float32 (`DetectionInputProcessor`), or,
        centred, in Python's numbers. A part, of which the originals know nothing, has the scale
        that this leads to; of a whole picture they take no note of what was cut off.
        """
        whole = (0.0, 0.0, float(source_wh[0]), float(source_wh[1]))
        if part is None or part == whole:
            return cls._fitted(source_wh, source_wh, spec, whole)
        x1, y1, x2, y2 = part
        fitted = cls._fitted(source_wh, (x2 - x1, y2 - y1), spec, part)
        across, down = fitted.scaled_wh
        return replace(fitted, scale_xy=((x2 - x1) / across, (y2 - y1) / down))

    @classmethod
    def _fitted(
        cls,
        source_wh: tuple[int, int],
        part_wh: tuple[float, float],
        spec: InputSpec,
        part: Rect,
    ) -> Letterbox:
        width, height = part_wh
        if width < 1 or height < 1:
            msg = f"a picture of {width:g}x{height:g} has no pixels"
            raise ValueError(msg)
        if spec.align == "stretch":
            stretch = (width / spec.width, height / spec.height)
            return cls(source_wh, (spec.width, spec.height), (0, 0), stretch, part)
        number = float if spec.align == "center" else np.float32
        factor = min(number(spec.height) / number(height), number(spec.width) / number(width))
        scaled = (max(1, int(number(width) * factor)), max(1, int(number(height) * factor)))
        offset = (0, 0)
        if spec.align == "center":
            offset = ((spec.width - scaled[0]) // 2, (spec.height - scaled[1]) // 2)
        scale = float(number(1) / factor)
        return cls(source_wh, scaled, offset, (scale, scale), part)

    @property
    def is_whole(self) -> bool:
        """Whether all of the picture is in the input."""
        return self.part_xyxy == (0, 0, *self.source_wh)

    @property
    def content_xyxy(self) -> tuple[int, int, int, int]:
        """The rectangle of the input that is picture."""
        left, top = self.offset_xy
        return (left, top, left + self.scaled_wh[0], top + self.scaled_wh[1])

    def to_source(self, xyxy_px: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Boxes [N, 4] from input to source pixels, clipped to what is in the input."""
        offset = np.array(self.offset_xy * 2, np.float32)
        low, high = np.array(self.part_xyxy, np.float32).reshape(2, 1, 2)
        boxes = (xyxy_px - offset) * np.array(self.scale_xy * 2, np.float32)
        corners = boxes.reshape(-1, 2, 2) + low
        clipped: npt.NDArray[np.float32] = np.clip(corners, low, high).astype(np.float32)
        return clipped.reshape(-1, 4)
