"""Boxes and labels on a picture, legible from 320 pixels to 4K; JPEG. Any thread.

Lines are thin and labels small: they follow the size of the picture. A label lies at the feet of
its box, never over anybody's head or another label; where there is no such place it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from daemon.answers.colours import Colour, colour
from detector.detections import Detections

Bgr = npt.NDArray[np.uint8]

FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_CAP_PX = 21  # height of a capital at scale 1
LEAST_WIDTH = 300  # of a picture with labels: in a smaller one they would cover what they name
HEAD = 0.35  # of a box, from its top
DARK: Colour = (15, 12, 8)


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
        capital_px = max(7.0, short / 64)  # 17 px in 1080p, 34 px in 4K
        return cls(
            line=max(1, round(short / 480)),
            scale=capital_px / FONT_CAP_PX,
            stroke=max(1, round(capital_px / 10)),
            pad=max(2, round(capital_px / 4)),
        )


def annotate(
    bgr: Bgr,
    detections: Detections,
    labels: Sequence[str],
    *,
    scale: float = 1.0,
    numbers: Sequence[int | None] = (),
) -> Bgr:
    """A copy of the picture [H, W, 3] with its detections drawn on it, the best one on top.

    `scale` is picture pixels per pixel of the detections, where the picture was scaled down;
    `numbers` are those of the detections' objects, where they are known.
    """
    canvas = np.array(bgr, order="C", copy=True)
    height, width = canvas.shape[:2]
    pen = _Pen.fitting(width, height)
    found = [
        (_inside(box, width, height), float(score), labels[class_id])
        for box, score, class_id in zip(
            detections.xyxy_px * scale, detections.score, detections.class_id, strict=True
        )
    ]
    for style, line in ((DARK, pen.line + 2), (None, pen.line)):
        for box, _, label in reversed(found):
            corners = (box.x1, box.y1), (box.x2 - 1, box.y2 - 1)
            cv2.rectangle(canvas, *corners, style or colour(label), line)
    if width < LEAST_WIDTH:
        return canvas
    taken = [Rect(box.x1, box.y1, box.x2, _neck(box)) for box, _, _ in found]
    for n, (box, score, label) in enumerate(found):
        number = numbers[n] if numbers else None
        text = f"{label} {score:.0%}" if number is None else f"{label} {number}"
        place = _place(box, _text_wh(text, pen), taken, (width, height))
        if place is not None:
            taken.append(place)
            _write(canvas, text, place, colour(label), pen)
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


def _inside(box: npt.NDArray[np.float32], width: int, height: int) -> Rect:
    x1, y1, x2, y2 = (round(float(side)) for side in box)
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return Rect(x1, y1, min(max(x2, x1 + 1), width), min(max(y2, y1 + 1), height))


def _text_wh(text: str, pen: _Pen) -> tuple[int, int]:
    (width, height), below = cv2.getTextSize(text, FONT, pen.scale, pen.stroke)
    return width + 2 * pen.pad + pen.line, height + below + 2 * pen.pad


def _neck(box: Rect) -> int:
    return box.y1 + round((box.y2 - box.y1) * HEAD)


def _place(
    box: Rect, wh: tuple[int, int], taken: Sequence[Rect], picture_wh: tuple[int, int]
) -> Rect | None:
    """Inside the box at its feet, below it, or beside them: the first place that is free."""
    width, height = wh
    foot, right = box.y2 - height, box.x2 - width
    corners = (
        *((box.x1, foot), (box.x1, box.y2), (right, foot), (right, box.y2)),
        *((box.x2, foot), (box.x1 - width, foot)),
    )
    for x, y in corners:
        place = Rect(x, y, x + width, y + height)
        within = x >= 0 and y >= 0 and place.x2 <= picture_wh[0] and place.y2 <= picture_wh[1]
        if within and not any(place.overlaps(other) for other in taken):
            return place
    return None


def _write(canvas: Bgr, text: str, place: Rect, edge: Colour, pen: _Pen) -> None:
    corners = (place.x1, place.y1), (place.x2 - 1, place.y2 - 1)
    cv2.rectangle(canvas, *corners, DARK, cv2.FILLED)
    cv2.rectangle(canvas, corners[0], (place.x1 + pen.line, place.y2 - 1), edge, cv2.FILLED)
    (_, height), _ = cv2.getTextSize(text, FONT, pen.scale, pen.stroke)
    origin = (place.x1 + pen.pad + pen.line, place.y1 + pen.pad + height)
    cv2.putText(canvas, text, origin, FONT, pen.scale, (255, 255, 255), pen.stroke, cv2.LINE_AA)
