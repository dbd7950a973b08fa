"""Pictures that tests paint and read again."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from tests.support.fakes import GreyPicture


class PaintedPicture(GreyPicture):
    """All of one grey."""

    def __init__(self, grey: int, width: int = 64, height: int = 48) -> None:
        super().__init__(width, height)
        self.grey = grey

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        return np.full_like(super().to_bgr(max_width), self.grey)


def read_jpeg(jpeg: bytes) -> npt.NDArray[np.uint8]:
    """BGR [H, W, 3]."""
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    return np.asarray(bgr, np.uint8)


def grey_of(jpeg: bytes) -> int:
    """Of the upper left corner, where nothing is drawn."""
    return round(float(read_jpeg(jpeg)[:4, :4].mean()))
