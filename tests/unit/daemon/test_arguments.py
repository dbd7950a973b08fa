from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from daemon.arguments import batch_sizes, detection_count, fraction, group, input_size, labels


def test_what_is_in_range_is_taken() -> None:
    assert input_size("320") == 320
    assert batch_sizes("1,4,64") == [1, 4, 64]
    assert detection_count("1000") == 1000
    assert fraction("0.5") == 0.5


@pytest.mark.parametrize("text", ["100", "32", "4096", "x", ""])
def test_an_input_is_a_multiple_of_32(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        input_size(text)


@pytest.mark.parametrize("text", ["0", "65", "4,", "a"])
def test_batches_are_as_the_configuration_bounds_them(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        batch_sizes(text)


@pytest.mark.parametrize("text", ["-0.1", "1.1", "nan", "x"])
def test_a_fraction_is_from_0_to_1(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not from 0 to 1"):
        fraction(text)


def test_a_group_is_a_name_and_labels() -> None:
    assert group("vehicle = car, pickup truck,") == ("vehicle", ("car", "pickup truck"))


@pytest.mark.parametrize("text", ["vehicle", "vehicle=", "=car", "vehicle=,"])
def test_a_group_without_name_or_labels_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not like vehicle=car,bus,truck"):
        group(text)


def test_labels_come_from_a_list_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("person\n\n traffic light \n")
    assert labels(str(tmp_path / "names.txt")) == ("person", "traffic light")
    assert labels("person, car,") == ("person", "car")


def test_a_long_list_of_labels_is_no_name_of_a_file() -> None:
    names = [f"class number {number}" for number in range(80)]
    assert labels(",".join(names)) == tuple(names)
    assert labels("a\0b,c") == ("a\0b", "c")
