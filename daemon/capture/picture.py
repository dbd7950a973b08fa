"""From decoded frames to arrays: the detector's letterboxed input, and the full picture."""

from __future__ import annotations

import threading

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from daemon.capture.errors import CaptureError, Kind
from daemon.capture.sample import Scaled
from detector.letterbox import InputSpec, Letterbox

LONGEST_SIDE_PX = 7680
MOST_PIXELS = 7680 * 4320


def check_size(width: int, height: int) -> None:
    """Raises CaptureError(too_large) for pictures beyond 8K: they are mistakes or attacks."""
    if max(width, height) > LONGEST_SIDE_PX or width * height > MOST_PIXELS:
        raise CaptureError(Kind.TOO_LARGE, f"{width}x{height}")


class Letterboxer:
    """Scale frames of one camera into the detector's input, one swscale pass each.

    The kept reformatter spares an SwsContext per frame. A stream may change its size at any
    frame. One thread.
    """

    def __init__(self, spec: InputSpec) -> None:
        self._reformatter = VideoReformatter()
        self._take_up(spec)

    def use_input(self, spec: InputSpec) -> None:
        """Scale for this input from now on."""
        if spec != self._spec:
            self._take_up(spec)

    def scale(self, frame: av.VideoFrame) -> Scaled:
        """A new uint8 RGB array [H, W, 3] and where the picture lies in it."""
        turns = _quarter_turns(frame)
        letterbox = self._fit(_turned((frame.width, frame.height), turns))
        scaled_wh = _turned(letterbox.scaled_wh, turns)
        picture = _convert(self._reformatter, frame, scaled_wh, "rgb24", turns)
        (x, y), (width, height) = letterbox.offset_xy, letterbox.scaled_wh
        pixels = self._blank.copy()
        pixels[y : y + height, x : x + width] = picture
        return pixels, letterbox

    def _take_up(self, spec: InputSpec) -> None:
        self._spec = spec
        self._blank = np.empty((spec.height, spec.width, 3), np.uint8)
        self._blank[:] = spec.fill
        self._letterbox: Letterbox | None = None

    def _fit(self, source_wh: tuple[int, int]) -> Letterbox:
        if self._letterbox is None or self._letterbox.source_wh != source_wh:
            self._letterbox = Letterbox.fit(source_wh, self._spec)
        return self._letterbox


class AvPicture:
    """A decoded frame, kept as the decoder made it (no copy). Any thread."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self._frame = frame
        self._lock = threading.Lock()  # reformat() touches the frame's colour tags while it runs

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        turns = _quarter_turns(self._frame)
        width, height = _turned((self._frame.width, self._frame.height), turns)
        if max_width is not None and width > max_width:
            width, height = max_width, max(1, round(height * max_width / width))
        with self._lock:
            size = _turned((width, height), turns)
            bgr = _convert(VideoReformatter(), self._frame, size, "bgr24", turns)
            return np.ascontiguousarray(bgr)


def _convert(
    reformatter: VideoReformatter,
    frame: av.VideoFrame,
    size_wh: tuple[int, int],
    pixel_format: str,
    turns: int,
) -> npt.NDArray[np.uint8]:
    """A view [H, W, 3] of the converted frame, turned upright."""
    width, height = size_wh
    # threads=1: swscale would start one thread per core, for every camera.
    small = reformatter.reformat(
        frame, width, height, pixel_format, interpolation=Interpolation.BILINEAR, threads=1
    )
    plane = small.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return np.rot90(rows[:height, : width * 3].reshape(height, width, 3), turns)


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Counter-clockwise quarter turns that make the picture upright (phones' recordings)."""
    return round(frame.rotation / 90) % 4


def _turned(size_wh: tuple[int, int], turns: int) -> tuple[int, int]:
    return (size_wh[1], size_wh[0]) if turns % 2 else size_wh
