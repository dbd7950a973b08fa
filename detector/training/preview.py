"""A contact sheet of what the network is fed, its targets drawn."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detector.training.augmentation import Example
from detector.training.examples import Examples

_SIDE_PX = 384
_COLUMNS = 4
_GREY = (150, 150, 150)


def write_preview(
    examples: Examples, labels: Sequence[str], path: Path, *, count: int = 16
) -> None:
    """The first `count` examples; ignored regions are grey. Raises OSError."""
    tiles = [_tile(examples[number], labels) for number in range(count)]
    rows = [np.hstack(tiles[at : at + _COLUMNS]) for at in range(0, count, _COLUMNS)]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    written, data = cv2.imencode(".png", sheet)
    if written:
        path.write_bytes(data.tobytes())


def _tile(example: Example, labels: Sequence[str]) -> npt.NDArray[np.uint8]:
    factor = _SIDE_PX / example.pixels.shape[0]
    tile = cv2.resize(example.pixels, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    for box, index, ignored in zip(*example.objects, strict=True):
        x1, y1, x2, y2 = (round(float(edge) * factor) for edge in box)
        colour = _GREY if ignored else _colour(int(index), len(labels))
        cv2.rectangle(tile, (x1, y1), (x2 - 1, y2 - 1), colour, 1)
        if not ignored:
            place = (x1 + 2, max(10, y1 + 10))
            cv2.putText(tile, labels[index], place, cv2.FONT_HERSHEY_SIMPLEX, 0.35, colour)
    cv2.rectangle(tile, (0, 0), (_SIDE_PX - 1, _SIDE_PX - 1), (0, 0, 0), 1)
    result: npt.NDArray[np.uint8] = tile.astype(np.uint8, copy=False)
    return result


def _colour(index: int, count: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(index / max(1, count), 1.0, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)
