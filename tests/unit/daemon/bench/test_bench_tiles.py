"""Large pictures of small ones: who was where is known, and told apart again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daemon.bench.mosaic import GROUND, Mosaic, mosaics
from detector.datasets.samples import Sample, open_dataset
from detector.detections import Detections
from tests.support.drawn_data import write_drawn

WH = (1920, 1080)


@pytest.fixture
def samples(tmp_path: Path) -> tuple[Sample, ...]:
    return open_dataset(write_drawn(tmp_path / "data", 11)).samples


def test_every_picture_is_in_one_place_with_nothing_changed(samples: tuple[Sample, ...]) -> None:
    made = list(mosaics(samples, WH))
    assert [len(mosaic.cells) for mosaic in made] == [8, 3]
    seen = [cell.sample.image for mosaic in made for cell in mosaic.cells]
    assert seen == [sample.image for sample in samples]
    for mosaic in made:
        assert mosaic.bgr.shape == (1080, 1920, 3)
        empty = np.ones(mosaic.bgr.shape[:2], bool)
        for cell in mosaic.cells:
            empty[cell.top : cell.top + 120, cell.left : cell.left + 160] = False
        assert (mosaic.bgr[empty] == GROUND).all()
        assert empty.sum() == 1080 * 1920 - len(mosaic.cells) * 120 * 160


def test_it_is_always_the_same(samples: tuple[Sample, ...]) -> None:
    first, second = (next(iter(mosaics(samples, WH))) for _ in range(2))
    assert np.array_equal(first.bgr, second.bgr)


def test_what_is_found_comes_back_to_the_picture_it_was_found_in(
    samples: tuple[Sample, ...],
) -> None:
    mosaic: Mosaic = next(iter(mosaics(samples, WH)))
    boxes = [cell.sample.xyxy_px[0] + np.array([cell.left, cell.top] * 2) for cell in mosaic.cells]
    between = [0, 0, 1, 1]  # in no picture
    xyxy = np.array([*boxes, between], np.float32)
    count = len(xyxy)
    found = Detections(xyxy, np.full(count, 0.9, np.float32), np.zeros(count, np.int32))
    split = mosaic.split(found)
    assert [len(each) for each in split] == [1] * len(mosaic.cells)
    for cell, each in zip(mosaic.cells, split, strict=True):
        assert np.abs(each.xyxy_px[0] - cell.sample.xyxy_px[0]).max() < 1e-3
