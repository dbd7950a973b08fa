"""A frame on its way from a camera thread to the sinks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from detector.letterbox import InputSpec, Letterbox

TimeSource = Literal["wallclock", "rtcp"]


class Picture(Protocol):
    """The full-size picture behind a frame, converted only if somebody looks at it (any thread)."""

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        """uint8 BGR [H, W, 3], scaled down to `max_width` where it is wider."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One captured picture, already scaled into the detector's input.

    `pixels` is uint8 RGB [input height, input width, 3], made for `input_spec`, with the picture
    where `letterbox` says; `captured_s` is the monotonic time of arrival, `captured_ns` the wall
    clock that is published with it, and `time_source` how that wall clock was obtained.
    """

    camera: str
    pixels: npt.NDArray[np.uint8]
    input_spec: InputSpec
    letterbox: Letterbox
    captured_s: float
    captured_ns: int
    pts_s: float | None
    time_source: TimeSource
    picture: Picture
