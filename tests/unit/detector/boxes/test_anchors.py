from __future__ import annotations

import numpy as np
import pytest

from detector.boxes.anchors import anchor_boxes, cells_per_side
from detector.networks.sizes import SIZES


@pytest.mark.parametrize(("side", "count"), [(512, 49_104), (640, 76_725), (320, 19_206)])
def test_there_are_nine_anchors_per_cell(side: int, count: int) -> None:
    assert anchor_boxes(side, range(3, 8), 4.0).shape == (count, 4)


def test_an_odd_grid_is_rounded_up_as_same_padding_does() -> None:
    assert cells_per_side(320, range(3, 8)) == [40, 20, 10, 5, 3]


def test_the_widest_model_has_a_level_more() -> None:
    spec = SIZES["efficientdet-d7x"]
    assert cells_per_side(spec.input_size, spec.levels) == [192, 96, 48, 24, 12, 6]


@pytest.mark.parametrize("side", [64, 96, 352, 416, 2048])
def test_cells_lie_evenly_in_any_input(side: int) -> None:
    anchors = anchor_boxes(side, range(3, 8), 3.0)
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    first = 9 * cells_per_side(side, range(3, 8))[0] ** 2
    for level in (centres[:first], centres[first:]):
        np.testing.assert_allclose(
            level.astype(np.float64).mean(0), [side / 2, side / 2], rtol=1e-5
        )
    assert centres.min() > 0
    assert centres.max() < side


def test_first_anchors_of_a_cell_are_square_wide_and_high() -> None:
    sizes = np.diff(anchor_boxes(512, range(3, 8), 4.0)[:3].reshape(3, 2, 2), axis=1)[:, 0]  # h, w
    np.testing.assert_allclose(sizes[0], [32, 32])
    np.testing.assert_allclose(sizes[1:, 1] / sizes[1:, 0], [2, 0.5])
