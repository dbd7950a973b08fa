"""One box of one picture, on its way to an object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from daemon.tracking.happenings import Box
from detector.detections import Detections


@dataclass(slots=True, eq=False)
class Sighting:
    """Pixels; width and height are no less than one. It is itself, whatever equals it."""

    x: float  # of the centre
    y: float
    width: float
    height: float
    corners: Box
    score: float
    class_id: int
    strong: bool  # certain enough to begin an object


def sightings_of(found: Detections, strong: npt.NDArray[np.bool_]) -> list[Sighting]:
    """Of one picture, in its order."""
    sightings = []
    for (x1, y1, x2, y2), score, class_id, is_strong in zip(
        found.xyxy_px.tolist(),
        found.score.tolist(),
        found.class_id.tolist(),
        strong.tolist(),
        strict=True,
    ):
        x, y, width, height = (x1 + x2) * 0.5, (y1 + y2) * 0.5, x2 - x1, y2 - y1
        if width < 1.0:
            width = 1.0
        if height < 1.0:
            height = 1.0
        corners = x1, y1, x2, y2
        sightings.append(Sighting(x, y, width, height, corners, score, class_id, is_strong))
    return sightings
