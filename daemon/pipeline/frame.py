"""A frame on its way from a camera thread to its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from daemon.seats.seat import Seat
from daemon.seats.sight import Picture
from detector.letterbox import InputSpec, Letterbox

TimeSource = Literal["wallclock", "rtcp"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One captured picture of the camera in `seat`, already scaled into the detector's input.

    `pixels` is uint8 RGB [input height, input width, 3], made for `input_spec`, with the picture
    where `letterbox` says; `captured_s` is the monotonic time of arrival, `captured_ns` the wall
    clock that is published with it, and `time_source` how that wall clock was obtained.
    """

    seat: Seat
    pixels: npt.NDArray[np.uint8]
    input_spec: InputSpec
    letterbox: Letterbox
    captured_s: float
    captured_ns: int
    pts_s: float | None
    time_source: TimeSource
    picture: Picture
    was_gated: bool = False  # nothing had changed: it is looked at to know what is missed

    @property
    def camera(self) -> str:
        """Name of the camera."""
        return self.seat.name
