"""What all formats have in common: pictures that exist, boxes inside them, labels that agree."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.datasets.headers import PictureError, picture_size
from detector.datasets.samples import DataError, inside, join, open_dataset
from tests.support.data_sets import make_picture

GOOD = "good.jpg 1,2,11,22,car\n"


def write_list(folder: Path, text: str) -> Path:
    make_picture(folder / "good.jpg")
    path = folder / "list.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "tif"])
def test_sizes_are_read_whatever_the_format(tmp_path: Path, suffix: str) -> None:
    path = make_picture(tmp_path / f"a.{suffix}", wh=(321, 123))
    assert picture_size(path) == (321, 123)


def test_sizes_are_those_of_the_stored_pixels(tmp_path: Path) -> None:
    plain = make_picture(tmp_path / "plain.jpg").read_bytes()
    tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    exif = b"Exif\x00\x00" + tiff + b"\x00\x00\x00\x00"
    turned = tmp_path / "turned.jpg"
    segment = b"\xff\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif  # one byte of padding
    turned.write_bytes(plain[:2] + segment + plain[2:] + b"what the camera adds")
    assert cv2.imread(str(turned)).shape == (64, 48, 3)
    assert picture_size(turned) == (64, 48)


def broken(folder: Path, name: str, kind: str) -> Path:
    path = make_picture(folder / name)
    data = path.read_bytes()
    damage = {
        "empty": b"",
        "cut": data[: len(data) // 2],
        "header": data[:30],
        "zero": data[:2] + b"\xff\xe0\x00\x00" + data[2:],
        "noise": bytes(100),
    }
    path.write_bytes(damage[kind])
    return path


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("a.jpg", "empty", "is empty"),
        ("a.jpg", "cut", "is (truncated|damaged)"),
        ("a.jpg", "header", "is damaged: a JPEG without"),
        ("a.jpg", "zero", "is damaged: a JPEG without"),
        ("a.jpg", "noise", "is not an image that can be decoded"),
        ("a.png", "cut", "is truncated"),
        ("a.png", "header", "is truncated"),
        ("a.bmp", "header", "is not an image that can be decoded"),
    ],
)
def test_a_broken_picture_is_a_fault_with_its_reason(
    tmp_path: Path, name: str, kind: str, reason: str
) -> None:
    path = broken(tmp_path, name, kind)
    with pytest.raises(PictureError, match=reason):
        picture_size(path)
    data = open_dataset(write_list(tmp_path, f"{name}\n{GOOD}lost.jpg"))
    assert [fault.file for fault in data.faults] == [path, tmp_path / "lost.jpg"]
    assert len(data.samples) == 1


def test_every_cut_of_a_jpeg_is_noticed(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    path = tmp_path / "a.jpg"
    assert cv2.imwrite(str(path), noise)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 31):
        path.write_bytes(whole[:length])
        with pytest.raises(PictureError):
            picture_size(path)


def test_a_box_a_little_outside_is_cut_off_at_the_edge() -> None:
    assert inside((-3, -2, 20, 30), (64, 48)) == (0, 0, 20, 30)
    assert inside((50, 40, 65, 49), (64, 48)) == (50, 40, 64, 48)


@pytest.mark.parametrize("corners", [(60, 10, 80, 20), (-20, -20, -10, -10), (70, 50, 90, 60)])
def test_a_box_mostly_outside_is_not_meant_for_this_picture(
    corners: tuple[float, float, float, float],
) -> None:
    with pytest.raises(ValueError, match="outside the picture of 64×48"):
        inside(corners, (64, 48))


def test_boxes_of_other_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    text = "good.jpg 1,2,11,22,car 1,2,5,6,dog 1,2,5,6,cow 3,2,5,6,dog"
    data = open_dataset(write_list(tmp_path, text), labels=("person", "car"))
    assert data.labels == ("person", "car")
    assert data.samples[0].classes.tolist() == [1]
    assert [fault.reason for fault in data.faults] == [
        "1 boxes of cow left out: not among the labels",
        "2 boxes of dog left out: not among the labels",
    ]


def test_labels_that_repeat_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="labels repeat: car, car"):
        open_dataset(write_list(tmp_path, GOOD), labels=("car", "car"))


def test_data_without_a_usable_picture_are_refused_with_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no picture that can be used; .*lost\.jpg: does not exist"
    ):
        open_dataset(write_list(tmp_path, "lost.jpg"))
    with pytest.raises(DataError, match="does not exist"):
        open_dataset(tmp_path / "nowhere")


def test_joined_data_have_the_labels_of_all_and_numbers_of_their_own(tmp_path: Path) -> None:
    first = open_dataset(write_list(tmp_path / "1", "good.jpg 1,2,11,22,car 1,2,5,6,person"))
    second = open_dataset(
        write_list(tmp_path / "2", "lost.jpg\ngood.jpg 1,2,5,6,person 1,2,5,6,bus")
    )
    both = join([first, second])
    assert both.labels == ("car", "person", "bus")
    assert [sample.classes.tolist() for sample in both.samples] == [[0, 1], [1, 2]]
    assert len({sample.image_id for sample in both.samples}) == 2
    assert both.faults == second.faults


def test_what_was_not_labelled_is_renumbered_with_the_rest(tmp_path: Path) -> None:
    first = open_dataset(write_list(tmp_path / "1", "good.jpg 1,2,11,22,car 1,2,5,6,person"))
    second = open_dataset(write_list(tmp_path / "2", "good.jpg 1,2,5,6,bus 1,2,5,6,person"))
    partly = replace(second, samples=(replace(second.samples[0], unlabelled=(0, 1)),))
    both = join([first, partly])
    assert both.labels == ("car", "person", "bus")
    assert [sample.unlabelled for sample in both.samples] == [(), (2, 1)]


def test_labels_that_differ_in_case_only_do_not_join(tmp_path: Path) -> None:
    first = open_dataset(write_list(tmp_path / "1", GOOD))
    second = open_dataset(write_list(tmp_path / "2", GOOD.replace("car", "Car")))
    with pytest.raises(DataError, match="car and Car differ in case only"):
        join([first, second])


def test_reading_data_does_not_load_tensorflow() -> None:
    code = "import sys, detector.datasets.samples; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
