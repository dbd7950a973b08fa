"""Whether pictures tell a network's ranges: many enough, and of more than one scene."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from detector.pictures import Pixels

LEAST_PICTURES = 32
LEAST_SCENES = 16
_SIDE = 16
_ALIKE = 10.0  # grey levels that two pictures of one scene differ by at most, on average


class Scenes:
    """Counts pictures that differ from all before: a fixed camera's are one scene, or few."""

    def __init__(self) -> None:
        self.pictures = 0
        self._seen: list[npt.NDArray[np.float32]] = []

    def __len__(self) -> int:
        return len(self._seen)

    def see(self, rgb: Pixels) -> None:
        self.pictures += 1
        small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
        if all(np.abs(grey - other).mean() > _ALIKE for other in self._seen):
            self._seen.append(grey)

    def refusal(self) -> str | None:
        """Why these are no pictures to measure ranges on, if so."""
        if self.pictures < LEAST_PICTURES:
            return f"{self.pictures} pictures are too few: at least {LEAST_PICTURES} are needed"
        if len(self) < LEAST_SCENES:
            return (
                f"the {self.pictures} pictures are too much alike: {len(self)} scenes, at least"
                f" {LEAST_SCENES} are needed"
            )
        return None
