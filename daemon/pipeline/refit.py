"""Frames that were captured for the detector before this one, scaled into this one's input."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import av
import cv2
from msgspec.structs import replace

from daemon.pipeline.frame import Frame, Row
from detector.api import Detector
from detector.letterbox import InputSpec, Letterbox, Rect
from detector.pictures import letterboxed


def fitting(
    frames: Iterable[Frame], detector: Detector, *, lost: Callable[[Frame], None]
) -> list[Frame]:
    """These frames for this detector: as they are, or made anew. `lost` is given those that cannot
    be.
    """
    spec, most_rows = detector.input_spec, detector.buckets[-1]
    fit = []
    for frame in frames:
        try:
            fits = frame.input_spec == spec and len(frame.rows) <= most_rows
            fit.append(frame if fits else _refitted(frame, spec, most_rows))
        except (av.FFmpegError, cv2.error, ValueError, MemoryError):
            lost(frame)
    return fit


def _refitted(frame: Frame, spec: InputSpec, most_rows: int) -> Frame:
    """Costs a conversion of the full picture: once per camera when the detector is replaced."""
    parts: tuple[Rect, ...] = frame.parts
    if len(parts) > most_rows:
        parts = (_around(parts),)
    places = [Letterbox.fit(frame.source_wh, spec, part) for part in parts]
    # No larger than it is needed.
    width = places[0].scaled_wh[0] if len(places) == 1 and places[0].is_whole else None
    bgr = frame.picture.to_bgr(max_width=width)
    rows = tuple(Row(letterboxed(bgr, place, spec), place) for place in places)
    return replace(frame, rows=rows, input_spec=spec)


def _around(parts: tuple[Rect, ...]) -> Rect:
    left, top, right, bottom = zip(*parts, strict=True)
    return min(left), min(top), max(right), max(bottom)
