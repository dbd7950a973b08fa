"""Pictures of files, and how they get into a detector's input.

PictureError   a file is no picture that can be used
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from config.files import UnusableFileError, read_regular_file
from detector.letterbox import InputSpec, Letterbox
from detector.picture_size import announced_size

Pixels = npt.NDArray[np.uint8]
MOST_PIXELS = 200_000_000  # the largest sensors of phones; decoded, three bytes each


class PictureError(Exception):
    """One line without the path: the caller knows it."""


def read_picture(path: Path, *, upright: bool) -> Pixels:
    """BGR [H, W, 3], as stored or turned as EXIF says. Raises PictureError.

    The name goes to nobody but the operating system, so it may hold any bytes; what is decoded was
    judged by its announced size before.
    """
    try:
        data = read_regular_file(path)
    except UnusableFileError as error:
        raise PictureError(str(error)) from None
    if not data:
        raise PictureError("is empty")
    size = announced_size(data)
    if size is None:
        raise PictureError("is not an image that can be decoded")
    if size[0] * size[1] > MOST_PIXELS:
        msg = f"{size[0]}x{size[1]} is too large: at most {MOST_PIXELS // 10**6} million pixels"
        raise PictureError(msg)
    # Otherwise every damaged picture is on standard error once more, in OpenCV's words.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    flags = cv2.IMREAD_COLOR | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        bgr = None
    if bgr is None:
        raise PictureError("is not an image that can be decoded")
    return np.asarray(bgr, np.uint8)


def read_stored(path: Path, wh: tuple[int, int] | None = None) -> Pixels | None:
    """BGR [H, W, 3] as stored, whatever EXIF says of orientation: labels refer to that. None for a
    picture that cannot be decoded, or is not `wh` large.
    """
    try:
        bgr = read_picture(path, upright=False)
    except PictureError:
        return None
    return bgr if wh is None or bgr.shape[1::-1] == wh else None


def letterboxed(bgr: Pixels, letterbox: Letterbox, spec: InputSpec) -> Pixels:
    """uint8 RGB [H, W, 3] of the input, with the picture, at whatever size, or the letterbox's part
    of it, where it belongs.
    """
    pixels = np.empty((spec.height, spec.width, 3), np.uint8)
    pixels[:] = spec.fill
    (x, y), (width, height) = letterbox.offset_xy, letterbox.scaled_wh
    scaled = cut_out(bgr, letterbox)
    pixels[y : y + height, x : x + width] = cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB)
    return pixels


def cut_out(bgr: Pixels, letterbox: Letterbox) -> Pixels:
    """The letterbox's part of the picture, which may be of any size, scaled for the input. A border
    between two pixels is where it is said to be: what is sampled begins there.
    """
    size = letterbox.scaled_wh
    if letterbox.is_whole:
        return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    height, width = bgr.shape[:2]
    source_wh = letterbox.source_wh
    x1, y1, x2, y2 = letterbox.part_xyxy
    across, down = width / source_wh[0], height / source_wh[1]
    step_x, step_y = (x2 - x1) * across / size[0], (y2 - y1) * down / size[1]
    # Centres of pixels are at halves; the matrix is from pixels of the input to those of `bgr`.
    matrix = np.array(
        [
            [step_x, 0, x1 * across + step_x / 2 - 0.5],
            [0, step_y, y1 * down + step_y / 2 - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(bgr, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)
