"""Which parts of its picture a camera's detector is shown: a region, and tiles of that. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from config.camera import DetectConfig
from config.looking import TilesConfig
from detector.letterbox import Rect

Wh = tuple[int, int]
WHOLE: Rect = (0.0, 0.0, 1.0, 1.0)
LEAST_GAIN = 1.2  # tiles that show things no larger than this are not worth their cost


@dataclass(frozen=True, slots=True)
class Layout:
    """`parts` of one picture in its pixels, None for all of it; each is a row of the detector's
    batch. Tiles are `tile_px` wide, None where there are none, and should have been `wanted_px`.
    """

    parts: tuple[Rect | None, ...]
    tile_px: float | None = None
    wanted_px: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """`region` is in fractions of the picture as it is seen."""

    region: Rect = WHOLE
    tiles: TilesConfig | None = None

    @classmethod
    def of(cls, detect: DetectConfig) -> View:
        """As the configuration says it; it has been checked."""
        return cls(_region(detect), detect.tiles)

    @property
    def crop(self) -> Rect | None:
        """None where all of the picture is looked at."""
        return None if self.region == WHOLE else self.region

    @property
    def is_auto(self) -> bool:
        """Whether there are as many tiles as the accelerator allows."""
        return self.tiles is not None and self.tiles.size is None

    def part(self, wh: Wh) -> Rect | None:
        """The region in pixels of a picture of this size; None for all of it."""
        return None if self.region == WHOLE else self._in_pixels(wh)

    def layout(self, wh: Wh, *, side: int, most_rows: int) -> Layout:
        """Of a picture of this size, for inputs with this side. Where the tiles that are wanted
        are more than `most_rows` allows, they become larger.
        """
        tiles = self.tiles
        if tiles is None:
            return Layout((self.part(wh),))
        region = self._in_pixels(wh)
        region_wh = (region[2] - region[0], region[3] - region[1])
        most = most_rows - tiles.full
        wanted = None if tiles.size is None else max(tiles.size, side)
        size: float | None = wanted
        if wanted is None or _count(region_wh, wanted, tiles.overlap) > most:
            size = _smallest(region_wh, tiles.overlap, side=side, most=most)
        if size is None or size * LEAST_GAIN > max(region_wh):
            return Layout((self.part(wh),), None, tiles.size)
        placed = tuple(_placed(region, size, tiles.overlap))
        return Layout(((self.part(wh),) if tiles.full else ()) + placed, size, tiles.size)

    def _in_pixels(self, wh: Wh) -> Rect:
        x1, y1, x2, y2 = self.region
        width, height = wh
        return x1 * width, y1 * height, x2 * width, y2 * height


def _region(detect: DetectConfig) -> Rect:
    if detect.crop is None:
        return WHOLE
    if detect.crop != "roi":
        x1, y1, x2, y2 = detect.crop
        return x1, y1, x2, y2
    if detect.roi is None:  # what the check refuses
        return WHOLE
    across, down = zip(*detect.roi, strict=True)
    return min(across), min(down), max(across), max(down)


def _along(length: float, size: float, overlap: float) -> int:
    """How many tiles cover a length."""
    if size >= length:
        return 1
    slack = 1e-6  # sizes are computed from such counts
    return math.ceil((length - overlap * size) / ((1 - overlap) * size) - slack)


def _count(region_wh: tuple[float, float], size: float, overlap: float) -> int:
    width, height = region_wh
    return _along(width, size, overlap) * _along(height, size, overlap)


def _smallest(
    region_wh: tuple[float, float], overlap: float, *, side: int, most: int
) -> float | None:
    """The side of the smallest tiles of which `most` cover the region; None where not even two."""
    if most < 2:
        return None

    def needed(length: float, count: int) -> float:
        return length / (count - (count - 1) * overlap)

    width, height = region_wh
    return min(
        max(needed(width, across), needed(height, down), side)
        for across, down in product(range(1, most + 1), repeat=2)
        if across * down <= most
    )


def _placed(region: Rect, size: float, overlap: float) -> Iterator[Rect]:
    """Evenly, row by row; the outer ones end where the region ends."""
    x1, y1, x2, y2 = region
    for top, bottom in _spread(y1, y2, size, overlap):
        for left, right in _spread(x1, x2, size, overlap):
            yield left, top, right, bottom


def _spread(low: float, high: float, size: float, overlap: float) -> Iterator[tuple[float, float]]:
    count = _along(high - low, size, overlap)
    if count == 1:
        yield low, high
        return
    step = (high - low - size) / (count - 1)
    for number in range(count):
        first = low + number * step
        yield first, first + size
