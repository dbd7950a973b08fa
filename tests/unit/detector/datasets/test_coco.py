"""COCO "instances" files, where the pictures lie, and entries that make no sense."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.datasets.samples import DataError, open_dataset
from tests.support.data_sets import coco_document, make_picture, write_coco


def test_boxes_become_corners_and_crowds_are_ignored(tmp_path: Path) -> None:
    make_picture(tmp_path / "a.jpg")
    document = coco_document([[1, 2, 10, 20], [30, 5, 8, 4]])
    document["annotations"][1] |= {"iscrowd": 1, "category_id": 3}
    data = open_dataset(write_coco(tmp_path / "dev.json", document))
    (sample,) = data.samples
    assert data.labels == ("person", "car")
    assert data.faults == ()
    assert (sample.image_id, sample.width, sample.height) == (7, 64, 48)
    np.testing.assert_array_equal(sample.xyxy_px, [[1, 2, 11, 22], [30, 5, 38, 9]])
    assert sample.classes.tolist() == [0, 1]
    assert sample.ignored.tolist() == [False, True]
    assert sample.xyxy_px.dtype == np.float32
    assert sample.classes.dtype == np.int32


def test_classes_that_nobody_looked_for_are_known(tmp_path: Path) -> None:
    make_picture(tmp_path / "a.jpg")
    document = coco_document([[1, 2, 10, 20]])
    document["images"][0]["unlabelled"] = ["car"]
    path = write_coco(tmp_path / "dev.json", document)
    assert open_dataset(path).samples[0].unlabelled == (1,)
    assert open_dataset(path, labels=["car", "person"]).samples[0].unlabelled == (0,)
    assert open_dataset(path, labels=["person"]).samples[0].unlabelled == ()
    assert open_dataset(path).faults == ()


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("car", "not a list of names"),
        ([1], "not a list of names"),
        ({"car": 1}, "not a list of names"),
        (["lorry"], "unlabelled lorry is none of the categories"),
    ],
)
def test_an_unlabelled_that_makes_no_sense_is_a_fault(
    tmp_path: Path, stated: Any, reason: str
) -> None:
    make_picture(tmp_path / "a.jpg")
    make_picture(tmp_path / "b.jpg")
    document = coco_document([])
    document["images"].append({"id": 8, "file_name": "b.jpg", "unlabelled": stated})
    data = open_dataset(write_coco(tmp_path / "dev.json", document))
    assert [sample.image.name for sample in data.samples] == ["a.jpg"]
    assert reason in str(data.faults[0])


@pytest.mark.parametrize(
    ("json_name", "picture"),
    [
        ("dev.json", "a.jpg"),
        ("dev.json", "images/a.jpg"),
        ("annotations/instances_val2017.json", "val2017/a.jpg"),
        ("annotations/instances_val2017.json", "images/val2017/a.jpg"),
        ("labels/anything.json", "images/a.jpg"),
    ],
)
def test_pictures_are_found_in_the_usual_places(
    tmp_path: Path, json_name: str, picture: str
) -> None:
    make_picture(tmp_path / picture)
    data = open_dataset(write_coco(tmp_path / json_name, coco_document([])))
    assert data.samples[0].image == tmp_path / picture


@pytest.mark.parametrize("name", ["dev.json", "annotations/instances_dev.json"])
def test_a_folder_has_a_file_per_split(tmp_path: Path, name: str) -> None:
    make_picture(tmp_path / "images/a.jpg")
    write_coco(tmp_path / name, coco_document([[1, 2, 10, 20]]))
    assert len(open_dataset(tmp_path, split="dev").samples) == 1
    with pytest.raises(DataError, match=r"nor train\.json for the split train"):
        open_dataset(tmp_path, split="train")
    with pytest.raises(DataError, match="choose a split"):
        open_dataset(tmp_path)
    with pytest.raises(DataError, match="leave the split out"):
        open_dataset(tmp_path / name, split="dev")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"image_id": 8}, r"annotations\[0\]: there is no image 8"),
        ({"category_id": 4}, r"annotations\[0\]: there is no category 4"),
        ({"category_id": [1]}, r"annotations\[0\]: "),
        ({"bbox": None}, r"annotations\[0\]: its box is not four numbers"),
        ({"bbox": [1, 2, 3]}, r"annotations\[0\]: its box is not four numbers"),
        ({"bbox": [1, 2, 3, 10**400]}, r"annotations\[0\]: its box is not four numbers"),
        ({"bbox": [1, 2, float("nan"), 3]}, r"box 1, person .*: not four finite numbers"),
        ({"bbox": [20, 20, -5, 5]}, r"box 1, person .*: its end lies before its start"),
        ({"bbox": [20, 20, 0, 5]}, r"box 1, person .*: it has no area"),
        ({"bbox": [100, 20, 10, 5]}, r"box 1, person .*: it lies outside the picture of 64×48"),
    ],
)
def test_an_impossible_box_is_a_fault_and_the_others_stay(
    tmp_path: Path, entry: dict[str, Any], reason: str
) -> None:
    make_picture(tmp_path / "a.jpg")
    document = coco_document([[1, 2, 10, 20], [30, 5, 8, 4]])
    document["annotations"][0] |= entry
    data = open_dataset(write_coco(tmp_path / "dev.json", document))
    assert len(data.samples[0].xyxy_px) == 1
    (fault,) = data.faults
    assert re.match(reason, fault.reason)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"file_name": 5}, "images[1]: its file_name is not a name"),
        ({"id": 7, "file_name": "b.jpg"}, "images[1]: another one has the same id"),
        ({"id": 8}, "images[1]: there is no file_name"),
        ({"id": 8, "file_name": "lost.jpg"}, "does not exist"),
    ],
)
def test_an_impossible_picture_is_a_fault_and_the_others_stay(
    tmp_path: Path, entry: dict[str, Any], reason: str
) -> None:
    make_picture(tmp_path / "a.jpg")
    document = coco_document([])
    document["images"].append({"id": 8} | entry)
    data = open_dataset(write_coco(tmp_path / "dev.json", document))
    assert [fault.reason for fault in data.faults] == [reason]
    assert len(data.samples) == 1


def test_a_picture_of_another_size_than_its_boxes_is_a_fault(tmp_path: Path) -> None:
    make_picture(tmp_path / "a.jpg", wh=(128, 96))
    document = write_coco(tmp_path / "dev.json", coco_document([[1, 2, 10, 20]]))
    with pytest.raises(DataError, match=r"a\.jpg: is 128×96, its boxes are for 64×48"):
        open_dataset(document)


def test_a_size_that_is_not_stated_is_read_from_the_picture(tmp_path: Path) -> None:
    make_picture(tmp_path / "a.jpg", wh=(100, 50))
    document = coco_document([], images=[{"id": "x", "file_name": "a.jpg", "width": 0}])
    (sample,) = open_dataset(write_coco(tmp_path / "dev.json", document)).samples
    assert (sample.image_id, sample.width, sample.height) == (1, 100, 50)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "has no images, annotations and categories"),
        (json.dumps({"images": []}), "has no images, annotations and categories"),
        (json.dumps(coco_document([], images={})), "are not lists"),
        (json.dumps(coco_document([], categories=[1])), "categories are not all"),
        (json.dumps(coco_document([], images=[])), "no picture that can be used"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "dev.json"
    path.write_text(text)
    with pytest.raises(DataError, match=reason) as caught:
        open_dataset(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
