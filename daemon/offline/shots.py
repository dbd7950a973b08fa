"""Pictures out of files, scaled for the detector; called by the reading thread.

UnreadableError   a file, or one picture of it, cannot be decoded
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import InputContainer

from daemon.capture.picture import AvPicture
from detector.letterbox import InputSpec, Letterbox
from detector.pictures import letterboxed

Pixels = npt.NDArray[np.uint8]
DEFAULT_FPS = Fraction(25)


class UnreadableError(Exception):
    """One line without the path: the caller knows it."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: `bgr` as it is, `pixels` RGB as the detector takes it. `pts` counts `time_base`
    and is None for a still image.
    """

    source: Path
    bgr: Pixels
    pixels: Pixels
    letterbox: Letterbox
    pts: int | None = None
    time_base: Fraction | None = None

    @property
    def pts_s(self) -> float | None:
        if self.pts is None or self.time_base is None:
            return None
        return float(self.pts * self.time_base)


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video says of itself; `frames` is an estimate, 0 where it says nothing."""

    fps: Fraction
    frames: int


def read_image(path: Path, spec: InputSpec) -> Shot:
    """A still image, upright as its EXIF orientation says. Raises UnreadableError."""
    try:
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:
        bgr = None
    if bgr is None:
        raise UnreadableError("not an image that can be decoded")
    return _shot(path, np.asarray(bgr, np.uint8), spec)


def video_facts(path: Path) -> VideoFacts:
    """Raises UnreadableError where there is no video in the file."""
    try:
        with av.open(str(path)) as container:
            stream, time_base = _video_stream(container)
            fps = stream.average_rate or DEFAULT_FPS
            length_s = (stream.duration or 0) * time_base
            return VideoFacts(fps, stream.frames or round(length_s * fps))
    except (av.FFmpegError, OSError) as error:
        raise UnreadableError(_words(error)) from None


def read_video(path: Path, spec: InputSpec) -> Iterator[Shot]:
    """Its pictures in order, upright. Raises UnreadableError at the first one that is damaged."""
    try:
        with av.open(str(path)) as container:
            stream, time_base = _video_stream(container)
            stream.thread_type = "AUTO"
            step = round(1 / ((stream.average_rate or DEFAULT_FPS) * time_base))
            pts = -step
            for frame in container.decode(stream):
                pts = frame.pts if frame.pts is not None else pts + step
                yield _shot(path, AvPicture(frame).to_bgr(), spec, pts, time_base)
    except (av.FFmpegError, OSError) as error:
        raise UnreadableError(_words(error)) from None


def _video_stream(container: InputContainer) -> tuple[av.VideoStream, Fraction]:
    """The first one, and the unit of its timestamps."""
    if not container.streams.video:
        raise UnreadableError("there is no video in it")
    stream = container.streams.video[0]
    return stream, stream.time_base or 1 / DEFAULT_FPS


def _shot(
    path: Path,
    bgr: Pixels,
    spec: InputSpec,
    pts: int | None = None,
    time_base: Fraction | None = None,
) -> Shot:
    letterbox = Letterbox.fit((bgr.shape[1], bgr.shape[0]), spec)
    return Shot(path, bgr, letterboxed(bgr, letterbox, spec), letterbox, pts, time_base)


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
