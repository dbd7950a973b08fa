"""From decoded frames to arrays: the detector's letterboxed input, and the full picture."""

from __future__ import annotations

import threading

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from daemon.capture.appearance import LONGEST_SIDE_PX, Appearance, Wh
from daemon.capture.cropping import Cropper, seen_rect, stored_rect
from daemon.capture.errors import CaptureError, Cause
from daemon.capture.gate import SIZE_WH, Luma
from daemon.pipeline.frame import Row
from detector.letterbox import InputSpec, Letterbox, Rect

MOST_PIXELS = 7680 * 4320
_MOST_LENSES = 128
_LUMA_PLANE = frozenset(
    ["gray", "nv12", "nv21"]
    + [f"{kind}{chroma}p" for kind in ("yuv", "yuvj") for chroma in (420, 422, 440, 444)]
)


def check_size(width: int, height: int) -> None:
    """Raises CaptureError(too_large) for pictures beyond 8K: they are mistakes or attacks."""
    if max(width, height) > LONGEST_SIDE_PX or width * height > MOST_PIXELS:
        raise CaptureError(Cause.TOO_LARGE, f"{width}x{height}")


class Letterboxer:
    """Scale frames of one camera, or parts of them, into the detector's input, one swscale pass
    each.

    What is kept for each part spares an SwsContext per frame. A stream may change its size at any
    frame. One thread.
    """

    def __init__(self, spec: InputSpec) -> None:
        self._grey = VideoReformatter()
        self._take_up(spec)

    def use_input(self, spec: InputSpec) -> None:
        """Scale for this input from now on."""
        if spec != self._spec:
            self._take_up(spec)

    def scale(
        self, frame: av.VideoFrame, appearance: Appearance | None = None, part: Rect | None = None
    ) -> Row:
        """A new uint8 RGB array [H, W, 3] and where the picture, as it is seen, lies in it; of the
        whole picture, or of as little as the format allows around `part`, which is in its pixels.
        """
        seen = appearance or Appearance.plain(frame)
        lens = self._lens(part, seen, (frame.width, frame.height))
        letterbox = lens.letterbox
        picture = lens.show(frame, seen)
        (x, y), (width, height) = letterbox.offset_xy, letterbox.scaled_wh
        pixels = self._blank.copy()
        pixels[y : y + height, x : x + width] = picture
        return Row(pixels, letterbox)

    def luma(self, frame: av.VideoFrame, appearance: Appearance) -> Luma:
        """See `small_luma`."""
        return small_luma(frame, appearance, self._grey)

    def _take_up(self, spec: InputSpec) -> None:
        self._spec = spec
        self._blank = np.empty((spec.height, spec.width, 3), np.uint8)
        self._blank[:] = spec.fill
        self._lenses: dict[Rect | None, _Lens] = {}

    def _lens(self, part: Rect | None, seen: Appearance, stored_wh: Wh) -> _Lens:
        lens = self._lenses.get(part)
        if lens is None or (lens.seen, lens.stored_wh) != (seen, stored_wh):
            if len(self._lenses) >= _MOST_LENSES:  # of pictures of another size
                self._lenses.clear()
            lens = self._lenses[part] = _Lens(self._spec, seen, stored_wh, part)
        return lens


class _Lens:
    """What is kept to scale one part of pictures of one size. One thread."""

    def __init__(self, spec: InputSpec, seen: Appearance, stored_wh: Wh, part: Rect | None) -> None:
        self.seen = seen
        self.stored_wh = stored_wh
        self._reformatter = VideoReformatter()
        self._cropper: Cropper | None = None
        if part is not None:
            rect = stored_rect(part, seen, stored_wh)
            part = seen_rect(rect, seen, stored_wh)
            self._cropper = Cropper(rect) if rect != (0, 0, *stored_wh) else None
        whole = self._cropper is None
        self.letterbox = Letterbox.fit(seen.shown_wh, spec, None if whole else part)

    def show(self, frame: av.VideoFrame, seen: Appearance) -> npt.NDArray[np.uint8]:
        """The scaled part, upright."""
        if self._cropper is not None:
            frame = self._cropper.crop(frame)
        return _convert(self._reformatter, frame, self.letterbox.scaled_wh, "rgb24", seen)


class AvPicture:
    """A decoded frame, kept as the decoder made it (no copy). Any thread."""

    def __init__(self, frame: av.VideoFrame, appearance: Appearance | None = None) -> None:
        self._frame = frame
        self._seen = appearance or Appearance.plain(frame)
        self._lock = threading.Lock()  # reformat() touches the frame's colour tags while it runs

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        width, height = self._seen.shown_wh
        if max_width is not None and width > max_width:
            width, height = max_width, max(1, round(height * max_width / width))
        with self._lock:
            bgr = _convert(VideoReformatter(), self._frame, (width, height), "bgr24", self._seen)
            return np.ascontiguousarray(bgr)


def small_luma(
    frame: av.VideoFrame, appearance: Appearance, reformatter: VideoReformatter | None = None
) -> Luma:
    """The picture as the gate sees it: grey, small, upright. The decoder's own luma where it has
    eight bits in a plane: two rows of each block are enough, and converting costs more.
    """
    wh = appearance.orientation.turned(SIZE_WH)
    if frame.format.name not in _LUMA_PLANE:
        grey = _convert(reformatter or VideoReformatter(), frame, wh, "rgb24", appearance)
        return np.ascontiguousarray(grey[:, :, 1])
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    step = max(1, frame.height // (2 * wh[1]))
    some = rows[: frame.height : step, : frame.width]
    half_wh = some.shape[1] // 2, some.shape[0] // 2
    if half_wh[0] >= wh[0] and half_wh[1] >= wh[1]:  # OpenCV has a fast way to halve
        some = _shrunk(some[: 2 * half_wh[1], : 2 * half_wh[0]], half_wh)
    return appearance.orientation.apply(_shrunk(some, wh))


def _shrunk(grey: npt.NDArray[np.uint8], wh: Wh) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.resize(grey, wh, interpolation=cv2.INTER_AREA), np.uint8)


def _convert(
    reformatter: VideoReformatter,
    frame: av.VideoFrame,
    wh: Wh,
    pixel_format: str,
    seen: Appearance,
) -> npt.NDArray[np.uint8]:
    """A view [H, W, 3] of the converted frame, of that size once it is upright."""
    width, height = seen.orientation.turned(wh)
    # threads=1: swscale would start one thread per core, for every camera.
    small = reformatter.reformat(
        frame, width, height, pixel_format, interpolation=Interpolation.BILINEAR, threads=1
    )
    plane = small.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return seen.orientation.apply(rows[:height, : width * 3].reshape(height, width, 3))
