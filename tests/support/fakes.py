"""Stand-ins that tests move by hand: a clock, seats, frames, a detector."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from config.camera import CameraConfig
from daemon.books.states import CameraStatus, Status
from daemon.clock import Clock
from daemon.pipeline.frame import Frame, Row
from daemon.seats.counting import Counting, Uncounted
from daemon.seats.rules import CameraRules
from daemon.seats.seat import Numbers, Seat
from daemon.seats.sight import Sight
from detector.buckets import buckets_up_to
from detector.detections import Detections
from detector.letterbox import InputSpec, Letterbox

SPEC = InputSpec(32, 32)
SCORE_THRESHOLD = 0.4


class FakeClock:
    """Time stands still until a test moves it."""

    def __init__(self, now_s: float = 100.0) -> None:
        self.time_s = now_s
        self.wall_ahead_s = 0.0

    def now_s(self) -> float:
        return self.time_s

    def wall_ns(self) -> int:
        return 1_795_000_000_000_000_000 + int((self.time_s + self.wall_ahead_s) * 1e9)

    def advance(self, seconds: float) -> None:
        self.time_s += seconds


def camera_config(**fields: Any) -> CameraConfig:
    """A camera that is never opened."""
    return CameraConfig.model_validate({"url": "synthetic://64x48"} | fields)


def rules_of(config: CameraConfig) -> CameraRules:
    return CameraRules(config, score_threshold=SCORE_THRESHOLD)


def seat_of(
    name: str = "gate",
    config: CameraConfig | None = None,
    *,
    clock: Clock | None = None,
    tell: Callable[[CameraStatus], None] = lambda _: None,
    numbers: Numbers | None = None,
    counts: Counting | None = None,
) -> Seat:
    """A seat of a camera that reports everything."""
    config = config or camera_config()
    return Seat(
        name,
        config,
        status=Status(name, clock or FakeClock(), tell),
        rules=rules_of(config),
        numbers=numbers or Numbers(),
        counts=counts or Uncounted(),
    )


class GreyPicture:
    """A full-size picture of one colour."""

    def __init__(self, width: int = 64, height: int = 48) -> None:
        self.size = (width, height)

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        width, height = self.size
        if max_width and width > max_width:
            width, height = max_width, height * max_width // width
        return np.full((height, width, 3), 128, np.uint8)


def frame(camera: str | Seat, captured_s: float, *, value: int = 0, rows: int = 1) -> Frame:
    """A frame of 64×48 source pixels in a 32×32 input, and columns of it in `rows` - 1 more, whose
    values are the next ones; of a seat of its own where only a name is given.
    """
    width = 64 / max(1, rows - 1)
    columns = [(n * width, 0.0, (n + 1) * width, 48.0) for n in range(rows - 1)]
    return Frame(
        seat=camera if isinstance(camera, Seat) else seat_of(camera),
        rows=tuple(
            Row(
                np.full((SPEC.height, SPEC.width, 3), value + n, np.uint8),
                Letterbox.fit((64, 48), SPEC, part),
            )
            for n, part in enumerate([None, *columns])
        ),
        input_spec=SPEC,
        captured_s=captured_s,
        captured_ns=int(captured_s * 1e9),
        pts_s=captured_s,
        time_source="wallclock",
        picture=GreyPicture(),
    )


def sight_of(
    shot: Frame,
    detections: Detections,
    labels: tuple[str, ...] = ("person",),
    *,
    inferred_s: float = 1.1,
    number: int = 1,
) -> Sight:
    """What is shown of an answered frame."""
    return Sight(
        shot.picture,
        shot.source_wh,
        detections,
        labels,
        shot.captured_s,
        shot.captured_ns,
        inferred_s,
        number,
    )


class ShownSights:
    """What those who watch are shown, put there by a test: stands in for the roster."""

    def __init__(self) -> None:
        self.seats: dict[str, Seat] = {}

    def seat(self, camera: str) -> Seat:
        """Made when it is asked for first."""
        if camera not in self.seats:
            self.seats[camera] = seat_of(camera)
        return self.seats[camera]

    def show(
        self, frame: Frame, detections: Detections, labels: tuple[str, ...], *, inferred_s: float
    ) -> Sight:
        seat = self.seat(frame.camera)
        number = seat.sight.number + 1 if seat.sight else 1
        seat.sight = sight_of(frame, detections, labels, inferred_s=inferred_s, number=number)
        return seat.sight

    def latest(self, camera: str) -> Sight | None:
        return self.seat(camera).sight


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
