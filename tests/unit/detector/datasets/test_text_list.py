"""Plain lists: a picture and its boxes per line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from detector.datasets.samples import DataError, Dataset, open_dataset
from tests.support.data_sets import make_picture

LABELS = ("person", "car")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_picture(tmp_path / "a.jpg")
    make_picture(tmp_path / "in the yard.png")
    return tmp_path


def read(folder: Path, text: str, labels: tuple[str, ...] | None = None) -> Dataset:
    path = folder / "list.txt"
    path.write_text(text)
    return open_dataset(path, labels=labels)


def test_a_line_is_a_picture_with_its_boxes(folder: Path) -> None:
    text = (
        "# made by hand\n\na.jpg 1,2,11,22,person  30,5,38.5,9,car\nin the yard.png 1,1,5,5,car\n"
    )
    data = read(folder, text)
    assert data.labels == ("car", "person")
    first, second = data.samples
    np.testing.assert_array_equal(first.xyxy_px, [[1, 2, 11, 22], [30, 5, 38.5, 9]])
    assert first.classes.tolist() == [1, 0]
    assert second.image == folder / "in the yard.png"
    assert [sample.image_id for sample in data.samples] == [1, 2]


def test_a_picture_without_boxes_is_an_example_of_nothing(folder: Path) -> None:
    (sample,) = read(folder, "in the yard.png").samples
    assert sample.xyxy_px.shape == (0, 4)


def test_numbers_count_the_given_labels(folder: Path) -> None:
    data = read(folder, "a.jpg 1,2,11,22,1 1,2,11,22,person", LABELS)
    assert data.labels == LABELS
    assert data.samples[0].classes.tolist() == [1, 0]


def test_numbers_without_labels_are_refused(folder: Path) -> None:
    with pytest.raises(
        DataError, match=r"list\.txt: line 2: class 1 is a number: name them with --classes"
    ):
        read(folder, "a.jpg\na.jpg 1,2,11,22,1")


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ("1,2,11,person", r"line 1, 1,2,11,person: its box is not four numbers"),
        ("1,2,11,22,", r"line 1, 1,2,11,22,: it has no class"),
        ("1,2,x,22,car", r"line 1, 1,2,x,22,car: its box is not four numbers"),
        ("1,2,11,22,2", r"line 1, 1,2,11,22,2: there are 2 labels, counted from 0"),
        ("1,2,inf,22,car", r"box 1, car \(1, 2, inf, 22\): not four finite numbers"),
        ("11,2,1,22,car", r"box 1, car .*: its end lies before its start"),
    ],
)
def test_an_impossible_box_is_a_fault_and_the_others_stay(
    folder: Path, box: str, reason: str
) -> None:
    data = read(folder, f"a.jpg {box} 1,2,11,22,car", LABELS)
    (fault,) = data.faults
    assert re.match(reason, fault.reason)
    assert len(data.samples[0].xyxy_px) == 1


def test_a_file_that_is_no_text_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="neither COCO JSON nor a list"):
        open_dataset(folder / "a.jpg")
