"""From the decoder's picture to a JPEG that takes a hundredth of the room, and from that to the
pictures that people are sent. Any thread; some milliseconds each.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from daemon.answers.annotate import Bgr, annotate, encode_jpeg
from daemon.seats.sight import Sight
from detector.detections import Detections
from sinks.highlights import Look
from sinks.messages import Moment

KEPT_WIDTH = 1280  # pixels at most, of a picture that is kept for sinks alone
KEPT_QUALITY = 90
QUALITIES = (80, 60, 40)  # tried in this order, until the JPEG is small enough
LEAST_WIDTH = 64
_AROUND = 1.6  # times the box, of a close-up
_REDUCED = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}


class JpegPicture:
    """A picture kept as JPEG; see `daemon.seats.sight.Picture`."""

    def __init__(self, jpeg: bytes, width: int) -> None:
        self.jpeg = jpeg
        self._width = width

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        width = self._width if max_width is None else min(max_width, self._width)
        # A decoder that leaves out what is not asked for is several times faster.
        fit = (how for by, how in _REDUCED.items() if self._width >= by * width)
        mode = next(fit, cv2.IMREAD_COLOR)
        bgr = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), mode)
        return _at_most(np.asarray(bgr, np.uint8), width)


def developed(sight: Sight, *, full: bool) -> tuple[Sight, int]:
    """The same with its picture as JPEG, in full size or in that which sinks need; its bytes."""
    bgr = sight.picture.to_bgr(None if full else KEPT_WIDTH)
    jpeg = encode_jpeg(bgr, KEPT_QUALITY)
    return replace(sight, picture=JpegPicture(jpeg, bgr.shape[1])), len(jpeg)


def looked_at(sight: Sight, look: Look, label: str, best: Moment) -> bytes:
    """The JPEG of a sight as `look` wants it; `best` is one object in it, called `label`."""
    width = look.width
    while True:
        bgr = sight.picture.to_bgr(width)
        if look.boxed:
            one = Detections(
                np.array([best.box], np.float32),
                np.array([best.score], np.float32),
                np.zeros(1, np.int32),
            )
            bgr = annotate(bgr, one, (label,), scale=bgr.shape[1] / sight.source_wh[0])
        for quality in QUALITIES:
            jpeg = encode_jpeg(bgr, quality)
            if len(jpeg) <= look.most_bytes or width <= LEAST_WIDTH:
                return jpeg
        width = max(LEAST_WIDTH, min(width, bgr.shape[1]) // 2)


def close_up(bgr: Bgr, box: Sequence[float], width: int) -> Bgr:
    """The part of a picture [H, W, 3] around one box of it (x1, y1, x2, y2), so that one sees where
    it is: 16 by 9 where there is room, `width` pixels wide at most.
    """
    height_px, width_px = bgr.shape[:2]
    x1, y1, x2, y2 = box
    tall = max(_AROUND * (y2 - y1), _AROUND * (x2 - x1) * 9 / 16, height_px / 4)
    high = min(height_px, round(tall))
    wide = min(width_px, round(tall * 16 / 9))
    left = min(max(round((x1 + x2 - wide) / 2), 0), width_px - wide)
    top = min(max(round((y1 + y2 - high) / 2), 0), height_px - high)
    return _at_most(np.ascontiguousarray(bgr[top : top + high, left : left + wide]), width)


def _at_most(bgr: Bgr, width: int) -> Bgr:
    height, was = bgr.shape[:2]
    if was <= width:
        return bgr
    wh = width, max(1, round(height * width / was))
    return np.asarray(cv2.resize(bgr, wh, interpolation=cv2.INTER_AREA), np.uint8)
