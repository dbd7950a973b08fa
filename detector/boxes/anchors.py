"""Where EfficientDet's prior boxes lie: NumPy, float32 as in the original."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

OCTAVES = tuple(2 ** (octave / 3) for octave in range(3))
_RATIOS = (1.0, 2.0, 0.5)  # width / height


def anchor_boxes(input_size: int, levels: range, scale: float) -> npt.NDArray[np.float32]:
    """[A, 4] as y1, x1, y2, x2 in input pixels; ordered by level, row, column, octave, ratio."""
    per_level = [_level(input_size, cells, scale) for cells in cells_per_side(input_size, levels)]
    return np.concatenate(per_level).astype(np.float32)


def cells_per_side(input_size: int, levels: range) -> list[int]:
    """Side of each level's grid: every level halves the one before, rounded up."""
    cells = [input_size]
    for _ in range(levels[-1]):
        cells.append((cells[-1] - 1) // 2 + 1)
    return [cells[level] for level in levels]


def _level(input_size: int, cells: int, scale: float) -> npt.NDArray[np.float64]:
    stride = input_size / cells
    centre = stride / 2 + stride * np.arange(cells)
    x, y = np.meshgrid(centre, centre)
    shapes = []
    for octave in OCTAVES:
        base = scale * stride * octave
        for ratio in _RATIOS:
            half_w, half_h = base * np.sqrt(ratio) / 2, base / np.sqrt(ratio) / 2
            shapes.append(np.stack([y - half_h, x - half_w, y + half_h, x + half_w], axis=-1))
    return np.stack(shapes, axis=2).reshape(-1, 4)
