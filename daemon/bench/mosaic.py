"""Large pictures with small objects, put together of labelled pictures: who was where is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detector.datasets.samples import Sample
from detector.detections import Detections
from detector.pictures import Pixels, read_stored

GROUND = 114
CELL = (480, 540)  # width and height; a picture that is larger than its cell is left out
_SEED = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture in its place: `sample`'s boxes are in its own pixels, `left` and `top` say where
    they begin in the large picture.
    """

    sample: Sample
    left: int
    top: int


@dataclass(frozen=True, slots=True)
class Mosaic:
    """`bgr` [H, W, 3] with its cells."""

    bgr: Pixels
    cells: tuple[Cell, ...]

    def split(self, found: Detections) -> list[Detections]:
        """What was found in each cell, in pixels of the cell's picture: by the middle of the boxes,
        which are cut off where the picture ends.
        """
        middle = (found.xyxy_px[:, :2] + found.xyxy_px[:, 2:]) / 2
        return [_of_cell(cell, found, middle[:, 0], middle[:, 1]) for cell in self.cells]


def _of_cell(cell: Cell, found: Detections, x: np.ndarray, y: np.ndarray) -> Detections:
    width, height = cell.sample.width, cell.sample.height
    inside = (x >= cell.left) & (x < cell.left + width)
    inside &= (y >= cell.top) & (y < cell.top + height)
    here = found.where(inside)
    boxes = here.xyxy_px - np.array([cell.left, cell.top] * 2, np.float32)
    limits = np.array([width, height] * 2, np.float32)
    return Detections(np.clip(boxes, 0, limits).astype(np.float32), here.score, here.class_id)


def mosaics(samples: Sequence[Sample], wh: tuple[int, int]) -> Iterator[Mosaic]:
    """As many as hold every picture once, each somewhere in its cell; always the same."""
    random = np.random.default_rng(_SEED)
    across, down = wh[0] // CELL[0], wh[1] // CELL[1]
    fitting = [s for s in samples if s.width <= CELL[0] and s.height <= CELL[1]]
    for first in range(0, len(fitting), across * down):
        bgr = np.full((wh[1], wh[0], 3), GROUND, np.uint8)
        cells = []
        for place, sample in enumerate(fitting[first : first + across * down]):
            picture = read_stored(sample.image, (sample.width, sample.height))
            if picture is None:
                continue
            row, column = divmod(place, across)
            left = column * CELL[0] + int(random.integers(0, CELL[0] - sample.width + 1))
            top = row * CELL[1] + int(random.integers(0, CELL[1] - sample.height + 1))
            bgr[top : top + sample.height, left : left + sample.width] = picture
            cells.append(Cell(sample, left, top))
        yield Mosaic(bgr, tuple(cells))
