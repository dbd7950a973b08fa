"""Labelled pictures without files, and answers about them, in a line each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detector.datasets.samples import Sample
from detector.detections import Detections

Box = tuple[float, float, float, float]


def sample(
    *boxes: Box,
    classes: Sequence[int] | None = None,
    ignored: Sequence[int] = (),
    image: Path = Path("a.jpg"),
) -> Sample:
    """A picture of 400×300; `ignored` are positions in `boxes`, the class is 0 by default."""
    return Sample(
        image=image,
        image_id=1,
        width=400,
        height=300,
        xyxy_px=np.array(boxes, np.float32).reshape(-1, 4),
        classes=np.array(classes or [0] * len(boxes), np.int32),
        ignored=np.isin(np.arange(len(boxes)), ignored),
    )


def answer(*found: tuple[Box, float] | tuple[Box, float, int]) -> Detections:
    """Boxes with score and class, which is 0 by default."""
    return Detections(
        np.array([each[0] for each in found], np.float32).reshape(-1, 4),
        np.array([each[1] for each in found], np.float32),
        np.array([each[2] if len(each) > 2 else 0 for each in found], np.int32),
    )
