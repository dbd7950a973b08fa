"""White rectangles on a dark ground, and a detector that finds them to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import av
import cv2
import numpy as np
import numpy.typing as npt

from daemon.capture.appearance import Appearance, Orientation
from detector.buckets import buckets_up_to
from detector.detections import Detections
from detector.letterbox import InputSpec, Letterbox

Rgb = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
GROUND, INK = 40, 220
_SEEN = 0.25  # of a pixel that is ink: a marker is there
_FULL = 0.9


def painted(wh: tuple[int, int], boxes: Sequence[Box]) -> Rgb:
    """uint8 RGB [H, W, 3]."""
    rgb = np.full((wh[1], wh[0], 3), GROUND, np.uint8)
    for x1, y1, x2, y2 in boxes:
        rgb[y1:y2, x1:x2] = INK
    return rgb


def at(x: float, y: float, size: int, wh: tuple[int, int]) -> Box:
    """A marker around a point, inside of the picture."""
    left = round(min(max(x - size / 2, 0), wh[0] - size))
    top = round(min(max(y - size / 2, 0), wh[1] - size))
    return left, top, left + size, top + size


def stored_frame(
    seen: Rgb, orientation: Orientation, *, squeeze: float = 1.0, pixel_format: str = "yuv420p"
) -> tuple[av.VideoFrame, Appearance]:
    """The frame that a decoder gives of a picture that is seen so: turned, mirrored, and with
    samples `squeeze` wide along the stored rows.
    """
    height, width = seen.shape[:2]
    stored = seen[:: -1 if orientation.flip_y else 1, :: -1 if orientation.flip_x else 1]
    if orientation.transposed:
        stored = stored.swapaxes(0, 1)
    if squeeze != 1.0:
        narrow = max(1, round(stored.shape[1] / squeeze))
        size = (narrow, stored.shape[0])
        stored = np.asarray(cv2.resize(stored, size, interpolation=cv2.INTER_AREA), np.uint8)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(stored), "rgb24")
    return frame.reformat(format=pixel_format), Appearance((width, height), orientation)


class MarkerFinder:
    """A detector whose boxes are right wherever it is shown what; `shown` are the letterboxes of
    all that it was shown, and `error` is raised once where there is one.
    """

    name = "markers"
    precision = "float32"
    labels = ("marker",)
    thresholds = (0.4,)
    weights_sha256 = "0" * 64
    trace_count = 0

    def __init__(self, max_batch: int = 8, side: int = 128) -> None:
        self.buckets = buckets_up_to(max_batch)
        self.input_spec = InputSpec(side, side)
        self.shown: list[Letterbox] = []

    def warm_up(self, progress: Callable[[int], None] | None = None) -> None:
        for bucket in self.buckets:
            if progress:
                progress(bucket)

    def detect(self, pixels: Rgb, letterboxes: Sequence[Letterbox]) -> list[Detections]:
        assert len(pixels) in self.buckets
        assert len(letterboxes) <= len(pixels)
        self.shown += letterboxes
        return [found(rgb, box) for rgb, box in zip(pixels, letterboxes, strict=False)]


def found(rgb: Rgb, letterbox: Letterbox) -> Detections:
    """What the finder says of one input."""
    x1, y1, x2, y2 = letterbox.content_xyxy
    grey = rgb[y1:y2, x1:x2, 1].astype(np.float32)
    ink = np.clip((grey - GROUND) / (INK - GROUND), 0, 1)
    count, _, stats, _ = cv2.connectedComponentsWithStats((ink > _SEEN).astype(np.uint8))
    boxes = [_edges(ink, *stats[n, :4].tolist()) for n in range(1, count)]
    xyxy = np.array(boxes, np.float32).reshape(-1, 4) + np.array([x1, y1] * 2, np.float32)
    score = np.array([0.95 if letterbox.is_whole else 0.9] * len(boxes), np.float32)
    seen = Detections(letterbox.to_source(xyxy), score, np.zeros(len(boxes), np.int32))
    width, height = (seen.xyxy_px[:, 2:] - seen.xyxy_px[:, :2]).T
    return seen.where((width > 0) & (height > 0))


def _edges(
    ink: npt.NDArray[np.float32], left: int, top: int, wide: int, high: int
) -> tuple[float, float, float, float]:
    """Where a marker begins and ends: a pixel at its edge is ink in part."""
    top_, left_ = max(0, top - 1), max(0, left - 1)
    part = ink[top_ : top + high + 1, left_ : left + wide + 1]
    x1, x2 = _ends(part.max(axis=0))
    y1, y2 = _ends(part.max(axis=1))
    return left_ + x1, top_ + y1, left_ + x2, top_ + y2


def _ends(profile: npt.NDArray[np.float32]) -> tuple[float, float]:
    full = np.flatnonzero(profile > _FULL)
    if not len(full):
        middle = float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum())
        half = float(profile.sum()) / 2
        return middle - half, middle + half
    first, last = int(full[0]), int(full[-1])
    before, behind = float(profile[:first].sum()), float(profile[last + 1 :].sum())
    return first - before, last + 1 + behind


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)
