"""Pictures of files, and how they get into a detector's input. No TensorFlow."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detector.letterbox import InputSpec, Letterbox

Pixels = npt.NDArray[np.uint8]


def read_stored(path: Path, wh: tuple[int, int] | None = None) -> Pixels | None:
    """BGR [H, W, 3] as stored, whatever EXIF says of orientation: labels refer to that. None for a
    picture that cannot be decoded, or is not `wh` large.
    """
    try:
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if bgr is None or (wh is not None and bgr.shape[1::-1] != wh):
        return None
    return np.asarray(bgr, np.uint8)


def letterboxed(bgr: Pixels, letterbox: Letterbox, spec: InputSpec) -> Pixels:
    """uint8 RGB [H, W, 3] of the input, with the picture, at whatever size, where it belongs."""
    pixels = np.empty((spec.height, spec.width, 3), np.uint8)
    pixels[:] = spec.fill
    (x, y), (width, height) = letterbox.offset_xy, letterbox.scaled_wh
    scaled = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_LINEAR)
    pixels[y : y + height, x : x + width] = cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB)
    return pixels
