"""Small films of what a gate must bear, drawn and encoded here: who is where is known.

Pictures are grey, with soft ground, a sensor's noise and H.264 with a keyframe every four seconds.
`PIXEL` of them is one of the gate's picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from daemon.bench.recording import write_film

WH = (640, 360)
PIXEL = WH[0] / 160
FPS = 5
SECONDS = 80.0
_GOP_S = 4
_STRIDE_PX = 12.0  # of who is 40 pixels high
_WIDE = 0.4  # of a person's height
_SEEN = 0.5  # of who comes out of the edge of the picture, from which on a detector finds him
_SHAKE = 0.02  # of a box's side
_MISSES = 0.1  # of the pictures of somebody who is there
_SUBPIXEL_BITS = 4
Picture = npt.NDArray[np.float32]  # [H, W], 0 to 255
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Walker:
    """Somebody who comes in at the left edge `at_s`, with a speed in pixels a second, whose feet
    are at `feet_px`; stands still from `halt_px` on for `halt_s`.
    """

    at_s: float
    speed: float = 40.0
    feet_px: float = 240.0
    height_px: float = 40.0
    contrast: float = 50.0
    halt_px: float = float("inf")
    halt_s: float = 0.0

    def x_px(self, t_s: float) -> float:
        """The middle of the person."""
        gone = self.speed * (t_s - self.at_s) - self.height_px * _WIDE
        return gone if gone < self.halt_px else max(self.halt_px, gone - self.speed * self.halt_s)

    def box(self, t_s: float) -> Box:
        half, x = self.height_px * _WIDE / 2, self.x_px(t_s)
        return x - half, self.feet_px - self.height_px, x + half, self.feet_px

    def draw(self, picture: Picture, t_s: float) -> None:
        """Head, body and legs that walk, brighter or darker than what is behind."""
        x, height = self.x_px(t_s), self.height_px
        top, hip = self.feet_px - height, self.feet_px - 0.45 * height
        swing = 0.2 * height * np.sin(x / _STRIDE_PX * 40 / height)
        figure = np.zeros_like(picture)
        body = (x - 0.12 * height, top + 0.2 * height, x + 0.12 * height, hip)
        cv2.rectangle(figure, *_corners(*body), 1.0, -1, cv2.LINE_8, _SUBPIXEL_BITS)
        head = _fixed(x), _fixed(top + 0.1 * height)
        cv2.circle(figure, head, _fixed(0.09 * height), 1.0, -1, cv2.LINE_8, _SUBPIXEL_BITS)
        for side in (-1, 1):
            foot = _fixed(x + side * swing), _fixed(self.feet_px)
            width = max(1, round(0.1 * height))
            cv2.line(figure, (_fixed(x), _fixed(hip)), foot, 1.0, width, cv2.LINE_8, _SUBPIXEL_BITS)
        picture += self.contrast * cv2.GaussianBlur(figure, (3, 3), 0)


Effect = Callable[[Picture, float, np.random.Generator], Picture]


@dataclass(frozen=True, slots=True)
class Scene:
    """`effects` come over the picture in order; `noise` is that of a pixel; `gate` are fields of
    `detect.gate`.
    """

    name: str
    walkers: tuple[Walker, ...] = ()
    effects: tuple[Effect, ...] = ()
    noise: float = 4.0
    gate: tuple[tuple[str, object], ...] = ()

    def boxes(self) -> Iterator[list[Box]]:
        """What a detector that errs a little finds in each picture; always the same."""
        rng = np.random.default_rng(2)
        for n in range(round(SECONDS * FPS)):
            true = [walker.box(n / FPS) for walker in self.walkers]
            shaken = [_shaken(box, rng) for box in true]
            found = rng.random(len(true)) >= _MISSES
            yield [
                box for box, of, comes in zip(shaken, true, found, strict=True)
                if comes and _visible(of) >= _SEEN
            ]  # fmt: skip

    def film(self, path: Path) -> None:
        """Write it."""
        options = {"preset": "veryfast", "threads": "1"}
        write_film(path, self._frames(), wh=WH, fps=FPS, gop=_GOP_S * FPS, options=options)

    def _frames(self) -> Iterator[av.VideoFrame]:
        rng = np.random.default_rng(1)
        ground = _ground(rng)
        grains = rng.normal(0, 1, (8, WH[1], WH[0])).astype(np.float32)
        for n in range(round(SECONDS * FPS)):
            picture = self._picture(ground, n / FPS, rng)
            grain = np.roll(grains[n % len(grains)], rng.integers(0, WH[1]), (0, 1))
            grey = np.clip(picture + self.noise * grain, 0, 255).astype(np.uint8)
            yield av.VideoFrame.from_ndarray(grey, "gray")

    def _picture(self, ground: Picture, t_s: float, rng: np.random.Generator) -> Picture:
        picture = ground.copy()
        for walker in self.walkers:
            if _visible(walker.box(t_s)) > 0:
                walker.draw(picture, t_s)
        for effect in self.effects:
            picture = effect(picture, t_s, rng)
        return picture


def _infrared(picture: Picture, t_s: float, _: np.random.Generator) -> Picture:
    """From the middle on: leaves shine, and so does cloth."""
    return picture if t_s < SECONDS / 2 else np.asarray(210 - 0.8 * picture, np.float32)


def _rain(picture: Picture, _: float, rng: np.random.Generator) -> Picture:
    """Drops near the camera, as streaks."""
    for x, y in rng.integers(0, WH, (40, 2)).tolist():
        cv2.line(picture, (x, y), (x + 2, y + int(rng.integers(8, 30))), 190.0, 1)
    return picture


def _headlights(picture: Picture, t_s: float, _: np.random.Generator) -> Picture:
    """A car turns, its beam sweeps over everything within three seconds; three times."""
    for starts_s in (15.0, 40.0, 65.0):
        along = (t_s - starts_s) / 3
        if 0 <= along < 1:
            beam = np.zeros_like(picture)
            x = round(along * WH[0])
            corners = np.array([[WH[0], WH[1]], [x - 70, 60], [x + 70, 60]], np.int32)
            cv2.fillPoly(beam, [corners], 90.0)
            picture = picture + cv2.GaussianBlur(beam, (31, 31), 0)
    return picture


def _cloud(picture: Picture, t_s: float, _: np.random.Generator) -> Picture:
    return np.asarray(picture * (1 - 0.15 * np.sin(t_s / 6)), np.float32)


def _time_shown(picture: Picture, t_s: float, _: np.random.Generator) -> Picture:
    """What cameras write into the upper left corner."""
    words = f"2026-11-26 12:{int(t_s) // 60:02d}:{int(t_s) % 60:02d}"
    ink = np.zeros(picture.shape, np.uint8)
    cv2.putText(ink, words, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    return np.maximum(picture, ink.astype(np.float32))


_CORNER = [[0.0, 0.0], [0.4, 0.0], [0.4, 0.09], [0.0, 0.09]]
_SLOWLY = 0.2 * FPS  # pixels a second, for 0.2 pixels of a picture per frame
SCENES = (
    Scene("nothing"),
    Scene("people walk", (Walker(15), Walker(42, 60, 300), Walker(45, 60, 310, 60, -40))),
    Scene("small and faint", (Walker(15, 30, height_px=20, contrast=25),)),
    Scene("somebody waits", (Walker(10, halt_px=350, halt_s=40),)),
    Scene(
        "creeps 0.2 px of 160x90",
        (Walker(-60, _SLOWLY * PIXEL), Walker(5, _SLOWLY * PIXEL, 320)),
    ),
    Scene("creeps 0.2 px of 640x360", (Walker(-310, _SLOWLY),)),
    Scene("infrared goes on", (Walker(20), Walker(35, 30, 300), Walker(55)), (_infrared,)),
    Scene("rain", (Walker(25), Walker(50, 30, 300, 30, 30)), (_rain,)),
    Scene("headlights", (Walker(25), Walker(38, 50, 300), Walker(66)), (_headlights,)),
    Scene("a noisy night", (Walker(25), Walker(50, 60, 310, 30, 35)), noise=16.0),
    Scene("clouds", (Walker(30),), (_cloud,)),
    Scene("a clock, ignored", (Walker(30),), (_time_shown,), gate=(("ignore", [_CORNER]),)),
)


def _ground(rng: np.random.Generator) -> Picture:
    coarse = rng.uniform(60, 150, (9, 16)).astype(np.float32)
    soft = cv2.resize(coarse, WH, interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(rng.normal(0, 60, (WH[1], WH[0])).astype(np.float32), (5, 5), 0)
    return np.asarray(np.clip(soft + fine, 0, 255), np.float32)


def _visible(box: Box) -> float:
    """The share of it that is in the picture."""
    x1, _, x2, _ = box
    return max(0.0, min(x2, WH[0]) - max(x1, 0)) / (x2 - x1)


def _shaken(box: Box, rng: np.random.Generator) -> Box:
    x1, y1, x2, y2 = box
    left, top, right, bottom = rng.normal(0, _SHAKE, 4) * (x2 - x1, y2 - y1, x2 - x1, y2 - y1)
    width, height = WH
    return (
        float(np.clip(x1 + left, 0, width)),
        float(np.clip(y1 + top, 0, height)),
        float(np.clip(x2 + right, 0, width)),
        float(np.clip(y2 + bottom, 0, height)),
    )


def _fixed(length: float) -> int:
    return round(length * (1 << _SUBPIXEL_BITS))


def _corners(x1: float, y1: float, x2: float, y2: float) -> tuple[tuple[int, int], tuple[int, int]]:
    return (_fixed(x1), _fixed(y1)), (_fixed(x2), _fixed(y2))
