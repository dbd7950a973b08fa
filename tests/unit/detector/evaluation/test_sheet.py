"""What people look at: the worst pictures on one sheet, and the curves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from detector.evaluation.measuring import Measurement, measure
from detector.evaluation.plot import save_curves
from detector.evaluation.sheet import save_worst
from tests.support.data_sets import make_picture
from tests.support.labelled import Box, answer, sample

A: Box = (10, 30, 60, 110)
B: Box = (200, 50, 260, 170)
AWAY: Box = (300, 200, 350, 290)
YELLOW, RED, GREEN, WHITE = (0, 220, 255), (60, 60, 255), (80, 200, 60), (255, 255, 255)


def measured(folder: Path) -> Measurement:
    """Three pictures of one grey: nothing wrong, a false alarm, and two boxes missed."""
    images = [make_picture(folder / f"{n}.png", 40, wh=(400, 300)) for n in range(3)]
    truths = [sample(A, image=images[0]), sample(image=images[1]), sample(A, B, image=images[2])]
    found = [answer((A, 0.9)), answer((AWAY, 0.8), (B, 0.1)), answer((AWAY, 0.2))]
    return measure(["person"], truths, found, {"living": ["person"]})


def cells(path: Path, count: int) -> list[set[tuple[int, ...]]]:
    """Colours in each cell of the first row, below the legend."""
    sheet = cv2.imread(str(path))
    assert sheet is not None
    rows = [sheet[24:384, 480 * n : 480 * n + 480] for n in range(count)]
    return [set(map(tuple, np.unique(row.reshape(-1, 3), axis=0).tolist())) for row in rows]


def test_the_worst_come_first_with_their_mistakes_in_colour(tmp_path: Path) -> None:
    save_worst(tmp_path / "worst.png", measured(tmp_path), count=16)
    missed, false, good, empty = cells(tmp_path / "worst.png", 4)
    assert YELLOW in missed
    assert not {RED, GREEN} & missed  # what was found there is below the threshold
    assert RED in false
    assert not {YELLOW, GREEN} & false
    assert {GREEN, WHITE} <= good
    assert not {YELLOW, RED} & good
    assert empty == {(0, 0, 0)}


def test_no_more_pictures_than_asked_for(tmp_path: Path) -> None:
    save_worst(tmp_path / "worst.png", measured(tmp_path), count=1)
    assert YELLOW in cells(tmp_path / "worst.png", 1)[0]
    assert cells(tmp_path / "worst.png", 2)[1] == {(0, 0, 0)}


def test_a_picture_that_is_gone_leaves_its_boxes(tmp_path: Path) -> None:
    of = measured(tmp_path)
    gone = tuple(replace(each, image=tmp_path / "gone.png") for each in of.samples)
    save_worst(tmp_path / "worst.png", replace(of, samples=gone), count=1)
    assert YELLOW in cells(tmp_path / "worst.png", 1)[0]


def test_curves_are_a_picture(tmp_path: Path) -> None:
    save_curves(tmp_path / "curves.png", measured(tmp_path), "efficientdet-lite0")
    drawn = cv2.imread(str(tmp_path / "curves.png"))
    assert drawn is not None
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 10


def test_curves_of_nothing_are_an_empty_picture(tmp_path: Path) -> None:
    save_curves(tmp_path / "curves.png", measure(["person"], [sample()], [answer()], {}), "none")
    assert cv2.imread(str(tmp_path / "curves.png")) is not None
