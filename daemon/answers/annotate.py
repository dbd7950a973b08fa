"""Boxes and labels on a picture, legible from 320 pixels to 4K; JPEG. Any thread.

Line width and letters follow the size of the picture; a class has the same colour everywhere.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from detector.detections import Detections

Bgr = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_CAP_PX = 21  # height of a capital at scale 1
GOLDEN_RATIO = 0.618034  # steps of it around the colour wheel never meet


@dataclass(frozen=True, slots=True)
class Rect:
    """x1, y1 inside, x2, y2 outside."""

    x1: int
    y1: int
    x2: int
    y2: int

    def overlaps(self, other: Rect) -> bool:
        return (
            self.x1 < other.x2 and other.x1 < self.x2 and self.y1 < other.y2 and other.y1 < self.y2
        )


@dataclass(frozen=True, slots=True)
class _Pen:
    """Sizes in pixels for a picture of one size."""

    line: int
    scale: float
    stroke: int
    pad: int

    @classmethod
    def fitting(cls, width: int, height: int) -> _Pen:
        short = min(width, height)
        capital_px = max(8.0, short / 48)  # 22 px in 1080p, 45 px in 4K
        return cls(
            line=max(1, round(short / 360)),
            scale=capital_px / FONT_CAP_PX,
            stroke=max(1, round(capital_px / 10)),
            pad=max(2, round(capital_px / 4)),
        )


def annotate(bgr: Bgr, detections: Detections, labels: Sequence[str], *, scale: float = 1.0) -> Bgr:
    """A copy of the picture [H, W, 3] with its detections drawn on it, the best one on top.

    `scale` is picture pixels per pixel of the detections, where the picture was scaled down.
    """
    canvas = np.array(bgr, order="C", copy=True)
    height, width = canvas.shape[:2]
    pen = _Pen.fitting(width, height)
    found = list(
        zip(detections.xyxy_px * scale, detections.score, detections.class_id, strict=True)
    )
    boxes = [_inside(box, width, height) for box, _, _ in found]
    for box, (_, _, class_id) in reversed(list(zip(boxes, found, strict=True))):
        cv2.rectangle(
            canvas, (box.x1, box.y1), (box.x2 - 1, box.y2 - 1), colour(int(class_id)), pen.line
        )
    taken: list[Rect] = []
    for box, (_, score, class_id) in zip(boxes, found, strict=True):
        text = f"{labels[class_id]} {score:.0%}"
        place = _place(box, _text_wh(text, pen), taken, (width, height))
        taken.append(place)
        _write(canvas, text, place, colour(int(class_id)), pen)
    return canvas


def encode_jpeg(bgr: Bgr, quality: int = 80) -> bytes:
    """Raises ValueError for a picture that JPEG cannot hold."""
    try:
        done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error:
        done = False
    if not done:
        msg = f"a picture of shape {bgr.shape} cannot be a JPEG"
        raise ValueError(msg)
    return data.tobytes()


@lru_cache(maxsize=1024)
def colour(class_id: int) -> Colour:
    """BGR of a class: far from those of its neighbours in number, the same in every picture."""
    red, green, blue = colorsys.hsv_to_rgb((0.02 + class_id * GOLDEN_RATIO) % 1.0, 0.75, 1.0)
    return (round(blue * 255), round(green * 255), round(red * 255))


def _inside(box: npt.NDArray[np.float32], width: int, height: int) -> Rect:
    x1, y1, x2, y2 = (round(float(side)) for side in box)
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return Rect(x1, y1, min(max(x2, x1 + 1), width), min(max(y2, y1 + 1), height))


def _text_wh(text: str, pen: _Pen) -> tuple[int, int]:
    (width, height), below = cv2.getTextSize(text, FONT, pen.scale, pen.stroke)
    return width + 2 * pen.pad, height + below + 2 * pen.pad


def _place(
    box: Rect, wh: tuple[int, int], taken: Sequence[Rect], picture_wh: tuple[int, int]
) -> Rect:
    """Above the box, below it, or inside it: the first place in the picture that is still free."""
    width, height = wh
    right = picture_wh[0] - width
    lowest = picture_wh[1] - height
    left_x, right_x = (max(0, min(x, right)) for x in (box.x1, box.x2 - width))
    places = [
        Rect(x, y, x + width, y + height)
        for y in (box.y1 - height, box.y2, box.y1, box.y2 - height)
        for x in (left_x, right_x)
        if 0 <= y <= lowest
    ]
    fallback = max(0, min(box.y1, lowest))
    places.append(Rect(left_x, fallback, left_x + width, fallback + height))
    return next(
        (place for place in places if not any(place.overlaps(other) for other in taken)),
        places[0],
    )


def _write(canvas: Bgr, text: str, place: Rect, back: Colour, pen: _Pen) -> None:
    blue, green, red = back
    bright = 0.114 * blue + 0.587 * green + 0.299 * red > 110
    ink: Colour = (0, 0, 0) if bright else (255, 255, 255)
    cv2.rectangle(canvas, (place.x1, place.y1), (place.x2 - 1, place.y2 - 1), back, cv2.FILLED)
    (_, height), _ = cv2.getTextSize(text, FONT, pen.scale, pen.stroke)
    origin = (place.x1 + pen.pad, place.y1 + pen.pad + height)
    cv2.putText(canvas, text, origin, FONT, pen.scale, ink, pen.stroke, cv2.LINE_AA)
