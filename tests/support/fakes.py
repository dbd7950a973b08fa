"""Stand-ins that tests move by hand: a clock, frames, a detector."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from daemon.pipeline.frame import Frame
from detector.api import buckets_up_to
from detector.detections import Detections
from detector.letterbox import InputSpec, Letterbox

SPEC = InputSpec(32, 32)


class FakeClock:
    """Time stands still until a test moves it."""

    def __init__(self, now_s: float = 100.0) -> None:
        self.time_s = now_s

    def now_s(self) -> float:
        return self.time_s

    def wall_ns(self) -> int:
        return 1_795_000_000_000_000_000 + int(self.time_s * 1e9)

    def advance(self, seconds: float) -> None:
        self.time_s += seconds


class GreyPicture:
    """A full-size picture of one colour."""

    def __init__(self, width: int = 64, height: int = 48) -> None:
        self.size = (width, height)

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        width, height = self.size
        if max_width and width > max_width:
            width, height = max_width, height * max_width // width
        return np.full((height, width, 3), 128, np.uint8)


def frame(camera: str, captured_s: float, *, value: int = 0) -> Frame:
    """A frame of 64×48 source pixels in a 32×32 input."""
    return Frame(
        camera=camera,
        pixels=np.full((SPEC.height, SPEC.width, 3), value, np.uint8),
        input_spec=SPEC,
        letterbox=Letterbox.fit((64, 48), SPEC),
        captured_s=captured_s,
        captured_ns=int(captured_s * 1e9),
        pts_s=captured_s,
        time_source="wallclock",
        picture=GreyPicture(),
    )


def one_box(score: float = 0.9, class_id: int = 0) -> Detections:
    """One detection of a 64×48 picture."""
    return Detections(
        np.array([[8, 6, 24, 36]], np.float32),
        np.array([score], np.float32),
        np.array([class_id], np.int32),
    )


class FakeDetector:
    """Answers one box per picture; `hook` runs inside `detect` and may block or raise."""

    def __init__(self, max_batch: int = 4, hook: Callable[[int], None] | None = None) -> None:
        self.name = "fake"
        self.precision = "float32"
        self.labels = ("person", "car")
        self.thresholds = (0.4, 0.4)
        self.weights_sha256 = "0" * 64
        self.trace_count = 0
        self.input_spec = SPEC
        self.buckets = buckets_up_to(max_batch)
        self.batches: list[int] = []
        self.seen: list[int] = []
        self.warm = threading.Event()
        self._hook = hook or (lambda _count: None)

    def warm_up(self, progress: Callable[[int], None] | None = None) -> None:
        for bucket in self.buckets:
            if progress:
                progress(bucket)
        self.warm.set()

    def detect(
        self, pixels: npt.NDArray[np.uint8], letterboxes: Sequence[Letterbox]
    ) -> list[Detections]:
        assert pixels.shape[0] in self.buckets
        self._hook(len(letterboxes))
        self.batches.append(len(letterboxes))
        self.seen += [int(pixels[row, 0, 0, 0]) for row in range(len(letterboxes))]
        return [one_box() for _ in letterboxes]
