"""What the daemon knows of a detector: the protocol and the errors it may raise.

DetectorError
├── ModelError       the model cannot be built or its weights cannot be used (exit 69)
└── InferenceError   one batch failed; `reason` is a metric label
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from detector.detections import Detections
from detector.letterbox import InputSpec, Letterbox


class DetectorError(Exception):
    """Root of what a detector raises on purpose."""


class ModelError(DetectorError):
    """The model cannot run; the message is one line and names the file, tensor or field."""


class InferenceError(DetectorError):
    """A batch got no answer."""

    def __init__(self, reason: Literal["oom", "runtime"], detail: str) -> None:
        super().__init__(f"inference failed ({reason}): {detail}")
        self.reason: Literal["oom", "runtime"] = reason
        self.detail = detail


class Detector(Protocol):
    """A warm model. `detect` is called from one thread only and releases the GIL while it runs."""

    @property
    def name(self) -> str:
        """Name for messages and metrics, as in `efficientdet-lite0`."""
        ...

    @property
    def precision(self) -> str:
        """What `auto` came to: float32, bfloat16 or float16."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Names by class id."""
        ...

    @property
    def thresholds(self) -> tuple[float, ...]:
        """By class id, the score from which a label is reported unless somebody asks for another;
        `detect` may give weaker ones, for those who do.
        """
        ...

    @property
    def weights_sha256(self) -> str:
        """Of the weights file, for `vedette_model_info`."""
        ...

    @property
    def trace_count(self) -> int:
        """How many graphs were traced so far; does not change once the detector is warm."""
        ...

    @property
    def input_spec(self) -> InputSpec:
        """What the pixels must look like."""
        ...

    @property
    def buckets(self) -> tuple[int, ...]:
        """Batch sizes that `warm_up` runs and `detect` takes, ascending."""
        ...

    def warm_up(self, progress: Callable[[int], None] | None = None) -> None:
        """Run every bucket once; `progress` is called with each finished bucket."""
        ...

    def detect(
        self, pixels: npt.NDArray[np.uint8], letterboxes: Sequence[Letterbox]
    ) -> list[Detections]:
        """Answers for the first `len(letterboxes)` pictures of `pixels` [bucket, H, W, 3];
        the rest is padding and is ignored. Raises InferenceError.
        """
        ...
