"""Pictures that are already decoded, scaled into a detector's input: files read whole, and frames
that were captured for the detector before this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import av
import cv2
import numpy as np
import numpy.typing as npt

from daemon.frame import Frame
from detector.letterbox import InputSpec, Letterbox

Pixels = npt.NDArray[np.uint8]


def letterboxed(bgr: Pixels, letterbox: Letterbox, spec: InputSpec) -> Pixels:
    """uint8 RGB [H, W, 3] of the input, with the picture, at whatever size, where it belongs."""
    pixels = np.empty((spec.height, spec.width, 3), np.uint8)
    pixels[:] = spec.fill
    (x, y), (width, height) = letterbox.offset_xy, letterbox.scaled_wh
    scaled = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_LINEAR)
    pixels[y : y + height, x : x + width] = cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB)
    return pixels


def fitting(
    frames: Iterable[Frame], spec: InputSpec, *, lost: Callable[[Frame], None]
) -> list[Frame]:
    """These frames for this input: as they are, or made anew. `lost` hears of each that cannot."""
    fit = []
    for frame in frames:
        try:
            fit.append(frame if frame.input_spec == spec else _refitted(frame, spec))
        except (av.FFmpegError, cv2.error, ValueError, MemoryError):
            lost(frame)
    return fit


def _refitted(frame: Frame, spec: InputSpec) -> Frame:
    """Costs a conversion of the full picture: once per camera when the detector is replaced."""
    letterbox = Letterbox.fit(frame.letterbox.source_wh, spec)
    bgr = frame.picture.to_bgr(max_width=letterbox.scaled_wh[0])
    return replace(
        frame, pixels=letterboxed(bgr, letterbox, spec), input_spec=spec, letterbox=letterbox
    )
