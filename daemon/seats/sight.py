"""The last picture a camera was judged by: written by the results thread, looked at by HTTP.

Only references are kept; a picture is converted, drawn and encoded by whoever looks at it.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from daemon.tracking.watcher import Lasting
from detector.detections import Detections
from detector.letterbox import Rect


class Picture(Protocol):
    """The full-size picture behind a frame, converted only if somebody looks at it (any thread)."""

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        """uint8 BGR [H, W, 3], scaled down to `max_width` where it is wider."""
        ...


class Sight(Struct, frozen=True, eq=False):
    """One answered frame. `detections` are in pixels of `source_wh`, their class ids index
    `labels`, those of the model that answered; `captured_s` and `inferred_s` are monotonic,
    `captured_ns` is wall clock; `number` is the `seq` of the message about it.
    """

    picture: Picture
    source_wh: tuple[int, int]
    detections: Detections
    labels: tuple[str, ...]
    captured_s: float
    captured_ns: int
    inferred_s: float
    number: int
    objects: tuple[Lasting | None, ...] = ()  # of each detection, where objects are followed
    parts: tuple[Rect, ...] = ()  # what the detector was shown, in pixels of the picture


class Sights(Protocol):
    """Where those who watch find the newest sight of a camera, by its name. Any thread."""

    def latest(self, camera: str) -> Sight | None:
        """None where nothing was answered yet, and for a camera that is not there."""
        ...
