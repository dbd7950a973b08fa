"""A camera made of arithmetic: shapes that move over a textured ground, at known places.

Used as a load generator, so a frame must cost next to nothing: one period of the motion is drawn
once per scene and input size, straight into the detector's input, and shared by all cameras.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

import cv2
import numpy as np
import numpy.typing as npt

from config.synthetic import SyntheticSpec
from daemon.books.states import StreamInfo
from daemon.capture.file_source import Player
from daemon.capture.gate import SIZE_WH, Luma
from daemon.capture.pacer import Pacer
from daemon.capture.sample import Lost, Pause, Sample
from daemon.clock import Clock
from daemon.pipeline.frame import Row
from detector.letterbox import InputSpec, Letterbox, Rect
from detector.pictures import cut_out

PERIOD = 24  # frames until every shape is back where it was
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True)
class _Shape:
    """One moving thing; lengths are fractions of the picture, angles in turns."""

    center: tuple[float, float]
    swing: tuple[float, float]
    size: tuple[float, float]
    phase: float
    color: tuple[int, int, int]  # BGR
    is_round: bool

    def box(self, frame_number: int) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2 as fractions of the picture."""
        angle = 2 * math.pi * (frame_number / PERIOD + self.phase)
        x = self.center[0] + self.swing[0] * math.cos(angle)
        y = self.center[1] + self.swing[1] * math.sin(angle)
        half_w, half_h = self.size[0] / 2, self.size[1] / 2
        return (x - half_w, y - half_h, x + half_w, y + half_h)


def ground_truth(spec: SyntheticSpec, frame_number: int) -> npt.NDArray[np.float32]:
    """The boxes of a frame, float32 [objects, 4]: x1, y1, x2, y2 in source pixels, all inside."""
    scale = np.array([spec.width, spec.height] * 2, np.float32)
    boxes = np.array([shape.box(frame_number) for shape in _shapes(spec)], np.float32)
    return boxes.reshape(-1, 4) * scale


def draw(
    spec: SyntheticSpec, frame_number: int, size_wh: tuple[int, int] | None = None
) -> npt.NDArray[np.uint8]:
    """A frame as uint8 BGR [H, W, 3], at any size; its own by default."""
    width, height = size_wh or (spec.width, spec.height)
    picture = _ground(spec.seed, width, height).copy()
    for shape in _shapes(spec):
        x1, y1, x2, y2 = (
            round(edge * side * 2**_SUBPIXEL_BITS)
            for edge, side in zip(
                shape.box(frame_number), (width, height, width, height), strict=True
            )
        )
        if shape.is_round:
            center, axes = ((x1 + x2) // 2, (y1 + y2) // 2), ((x2 - x1) // 2, (y2 - y1) // 2)
            cv2.ellipse(
                picture, center, axes, 0, 0, 360, shape.color, -1, cv2.LINE_AA, _SUBPIXEL_BITS
            )
        else:
            cv2.rectangle(picture, (x1, y1), (x2, y2), shape.color, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
    return picture


class SyntheticSource:
    """Play the scene at its rate for ever. One thread."""

    def __init__(
        self, spec: SyntheticSpec, *, input_spec: InputSpec, clock: Clock, pause: Pause
    ) -> None:
        self._spec = spec
        self._input_spec = input_spec
        _period_of_inputs(spec, input_spec, None)  # drawn before it is needed
        self._player = Player(clock, pause)
        self._clock = clock

    @property
    def info(self) -> StreamInfo:
        spec = self._spec
        return StreamInfo("synthetic", spec.width, spec.height, spec.fps, "synthetic", "software")

    def use_input(self, spec: InputSpec) -> None:
        if spec != self._input_spec:
            self._input_spec = spec

    def samples(self, pacer: Pacer) -> Iterator[Sample | Lost]:
        frame_number = 0
        while self._player.wait(pts_s := frame_number / self._spec.fps):
            pacer.saw(pts_s)
            if pacer.early(pts_s, self._clock.now_s()):
                yield Lost.EARLY
            else:
                yield Sample(
                    pts_s=pts_s,
                    is_corrupt=False,
                    picture=SyntheticPicture(self._spec, frame_number),
                    scale=partial(self._scaled, frame_number % PERIOD),
                    wh=(self._spec.width, self._spec.height),
                    luma=partial(_luma, self._spec, frame_number),
                )
            frame_number += 1

    def close(self) -> None:
        """Nothing is held."""

    def _scaled(self, place: int, part: Rect | None = None) -> Row:
        return _period_of_inputs(self._spec, self._input_spec, part)[place]


@dataclass(frozen=True, slots=True)
class SyntheticPicture:
    """A frame of the scene, drawn when somebody looks at it. Any thread."""

    spec: SyntheticSpec
    frame_number: int

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        width, height = self.spec.width, self.spec.height
        if max_width is not None and width > max_width:
            width, height = max_width, max(1, round(height * max_width / width))
        return draw(self.spec, self.frame_number, (width, height))


def _luma(spec: SyntheticSpec, frame_number: int) -> Luma:
    return np.asarray(cv2.cvtColor(draw(spec, frame_number, SIZE_WH), cv2.COLOR_BGR2GRAY))


@lru_cache(maxsize=16)
def _shapes(spec: SyntheticSpec) -> tuple[_Shape, ...]:
    random = np.random.default_rng(spec.seed)
    shapes = []
    for number in range(spec.objects):
        size = random.uniform(0.08, 0.25, 2)
        swing = random.uniform(0.02, 0.2, 2)
        room = size / 2 + swing  # so that the box never leaves the picture
        center = random.uniform(room, 1 - room)
        blue, green, red = (int(part) for part in random.integers(40, 256, 3))
        shapes.append(
            _Shape(
                center=(float(center[0]), float(center[1])),
                swing=(float(swing[0]), float(swing[1])),
                size=(float(size[0]), float(size[1])),
                phase=float(random.uniform()),
                color=(blue, green, red),
                is_round=number % 2 == 1,
            )
        )
    return tuple(shapes)


@lru_cache(maxsize=4)
def _ground(seed: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """A soft texture, the same at every size."""
    coarse = np.random.default_rng(seed).integers(60, 140, (18, 32, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


@lru_cache(maxsize=32)
def _period_of_inputs(
    spec: SyntheticSpec, input_spec: InputSpec, part: Rect | None
) -> tuple[Row, ...]:
    """Every frame of the period as the detector wants it; read-only, since cameras share it."""
    source_wh = (spec.width, spec.height)
    letterbox = Letterbox.fit(source_wh, input_spec, part)
    (x, y), (width, height) = letterbox.offset_xy, letterbox.scaled_wh
    inputs = []
    for frame_number in range(PERIOD):
        pixels = np.empty((input_spec.height, input_spec.width, 3), np.uint8)
        pixels[:] = input_spec.fill
        if letterbox.is_whole:
            bgr = draw(spec, frame_number, (width, height))
        else:
            bgr = cut_out(draw(spec, frame_number), letterbox)
        pixels[y : y + height, x : x + width] = bgr[..., ::-1]
        pixels.setflags(write=False)
        inputs.append(Row(pixels, letterbox))
    return tuple(inputs)
