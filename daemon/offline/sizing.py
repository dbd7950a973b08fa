"""How large objects are in the detector's input, and what makes them larger, at which cost. Pure.

A person of less than some 20 px in the input is found by luck (docs/distant-people.md). What makes
one larger is a larger input, a part of the picture in place of all of it, or tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from config.camera import DetectConfig
from daemon.seats.view import Layout, View, Wh
from detector.letterbox import InputSpec, Letterbox, Rect

SMALL_PX = 20.0  # of the input, in height
BEARABLE = 0.1  # share of small ones that nothing need be done about
INPUT_SIZES = (320, 384, 448, 512, 640, 768, 896, 1024)
GAIN = 1.2  # a part of the picture that makes things no larger than this is not worth a word
_MARGIN = 0.03  # of the picture around what was seen

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """Objects of some pictures `wh` large: boxes in pixels of the picture [N, 4]."""

    wh: Wh
    xyxy_px: Floats

    @property
    def heights(self) -> Floats:
        return self.xyxy_px[:, 3] - self.xyxy_px[:, 1]

    def around(self) -> Rect:
        """The rectangle that holds them all and a margin, in fractions to the hundredth."""
        width, height = self.wh
        edges = np.concatenate([self.xyxy_px[:, :2].min(axis=0), self.xyxy_px[:, 2:].max(axis=0)])
        low_high = edges / np.array([width, height] * 2) + np.array([-1, -1, 1, 1]) * _MARGIN
        x1, y1, x2, y2 = np.clip(np.round(low_high, 2), 0, 1).tolist()
        return x1, y1, x2, y2


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to look: `fields` as they stand in the file. `rows` is what a picture costs, in
    those of the present input; `enlarged` is how many times larger than now things are.
    """

    fields: dict[str, object]
    rows: float
    enlarged: float
    small_share: float
    heights_px: tuple[float, float]  # in the input: a tenth is smaller, half are smaller


@dataclass(frozen=True, slots=True)
class Advice:
    """How it is now, and the ways out, the best first; none where nothing need be done."""

    present: Choice
    ways: tuple[Choice, ...]


def advise(seen: Seen, detect: DetectConfig, spec: InputSpec, *, most_rows: int) -> Advice:
    """For a camera that looks as `detect` says, and pictures with at least one object."""
    maker = _Maker(seen, detect, spec, most_rows)
    present = maker.present()
    if present.small_share <= BEARABLE:
        return Advice(present, ())
    ways = [way for way in maker.ways() if way.enlarged > 1 and _is_better(way, present)]
    ways.sort(key=lambda way: (way.small_share > BEARABLE, _worth(way)))
    return Advice(present, tuple(ways))


def _is_better(way: Choice, present: Choice) -> bool:
    return way.small_share < present.small_share - 0.01


def _worth(way: Choice) -> tuple[float, float]:
    """Of those that suffice the cheapest; else the one that leaves the fewest small."""
    return (
        (way.rows, way.small_share) if way.small_share <= BEARABLE else (way.small_share, way.rows)
    )


class _Maker:
    def __init__(self, seen: Seen, detect: DetectConfig, spec: InputSpec, most_rows: int) -> None:
        self._seen = seen
        self._detect = detect
        self._spec = spec
        self._most_rows = most_rows
        self._side = max(spec.height, spec.width)
        self._grain = self._grain_of(detect)

    def present(self) -> Choice:
        rows = len(self._layout(self._detect).parts)
        return self._choice({}, rows, self._grain)

    def ways(self) -> Iterator[Choice]:
        for detect, fields in self._regions():
            if fields:
                yield self._choice({"detect": fields}, 1, self._grain_of(detect))
            yield from self._tiled(detect, fields)
        for side in INPUT_SIZES:
            if side > self._side:
                factor = side / self._side
                model: dict[str, object] = {"model": {"input_size": side}}
                rows = len(self._layout(self._detect).parts)
                yield self._choice(model, rows * factor**2, self._grain / factor)

    def _regions(self) -> Iterator[tuple[DetectConfig, dict[str, object]]]:
        """What is looked at now, and a part of it that is worth looking at alone."""
        now = self._detect.model_copy(update={"tiles": None})
        yield now, {}
        if now.crop is None:
            crop: object = "roi" if now.roi else list(self._seen.around())
            cropped = now.model_copy(update={"crop": crop})
            if self._grain_of(now) > GAIN * self._grain_of(cropped):
                yield cropped, {"crop": crop}

    def _tiled(self, detect: DetectConfig, fields: dict[str, object]) -> Iterator[Choice]:
        """Tiles in which few are small, or as many as a batch has room for."""
        few = float(np.quantile(self._seen.heights, BEARABLE))
        size = max(self._side, int(self._side * few / SMALL_PX) // 16 * 16)
        sized = DetectConfig.model_validate({"tiles": {"size": size}}).tiles
        tiled = detect.model_copy(update={"tiles": sized})
        layout = self._layout(tiled)
        if layout.tile_px is None:
            return
        rounded = max(self._side, round(layout.tile_px))
        yield self._choice(
            {"detect": {**fields, "tiles": {"size": rounded}}},
            len(layout.parts),
            layout.tile_px / self._side,
        )

    def _layout(self, detect: DetectConfig) -> Layout:
        return View.of(detect).layout(self._seen.wh, side=self._side, most_rows=self._most_rows)

    def _grain_of(self, detect: DetectConfig) -> float:
        """Pixels of the picture in one of the input, of the finest row."""
        parts = self._layout(detect).parts
        places = [Letterbox.fit(self._seen.wh, self._spec, part) for part in parts]
        return min(max(place.scale_xy) for place in places)

    def _choice(self, fields: dict[str, object], rows: float, grain: float) -> Choice:
        heights = self._seen.heights / grain
        tenth, median = np.quantile(heights, [0.1, 0.5]).tolist()
        small = float((heights < SMALL_PX).mean())
        return Choice(fields, rows, self._grain / grain, small, (tenth, median))
