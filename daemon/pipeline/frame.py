"""A frame on its way from a camera thread to its answer."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from daemon.seats.seat import Seat
from daemon.seats.sight import Picture
from detector.letterbox import InputSpec, Letterbox, Rect

TimeSource = Literal["wallclock", "rtcp"]


class Row(NamedTuple):
    """What the detector is shown at once: `pixels` uint8 RGB [input height, input width, 3], with
    the picture, or a part of it, where `letterbox` says.
    """

    pixels: npt.NDArray[np.uint8]
    letterbox: Letterbox


class Frame(Struct, frozen=True, eq=False):
    """One captured picture of the camera in `seat`, already scaled into the detector's input.

    `rows` are what the detector is shown of it, at least one: the picture or a part of it, and
    tiles; they are made for `input_spec`, go in one batch, and have one fate. `captured_s` is the
    monotonic time of arrival, `captured_ns` the wall clock that is published with it, and
    `time_source` how that wall clock was obtained.
    """

    seat: Seat
    rows: tuple[Row, ...]
    input_spec: InputSpec
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

    @property
    def source_wh(self) -> tuple[int, int]:
        """Size of the whole picture."""
        return self.rows[0].letterbox.source_wh

    @property
    def parts(self) -> tuple[Rect, ...]:
        """What of the picture each row shows, in its pixels."""
        return tuple(row.letterbox.part_xyxy for row in self.rows)
