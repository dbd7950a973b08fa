"""What computes: from pixels to kept boxes. Everything before and behind it is the same for all."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from detector.boxes.candidates import Kept


class Engine(Protocol):
    """One network at one input size; called from one thread only."""

    @property
    def trace_count(self) -> int:
        """How often something was compiled so far; does not change once every bucket was run."""
        ...

    def run(self, pixels: npt.NDArray[np.uint8], content_xyxy: npt.NDArray[np.int32]) -> Kept:
        """The kept boxes of every picture in uint8 [B, H, W, 3], of which only the rectangle
        `content_xyxy` [B, 4] is picture; arrays of NumPy. Releases the GIL while it computes.
        Raises InferenceError.
        """
        ...
