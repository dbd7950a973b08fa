"""Frames that were captured for the detector before this one, scaled into this one's input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import av
import cv2

from daemon.pipeline.frame import Frame
from detector.letterbox import InputSpec, Letterbox
from detector.pictures import letterboxed


def fitting(
    frames: Iterable[Frame], spec: InputSpec, *, lost: Callable[[Frame], None]
) -> list[Frame]:
    """These frames for this input: as they are, or made anew. `lost` is given each that cannot."""
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
