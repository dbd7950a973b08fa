"""`vedette weights import`: what cannot be used is said in one line, and nothing is written."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.networks.efficientdet import variables
from detector.networks.sizes import SIZES
from detector.weights.description import read_description
from detector.weights.native import load
from tests.support import foreign_weights as foreign
from tests.support.weights_command import Import

NAME = "efficientdet-lite0"
BIAS = "class_net/class-predict/bias"
KERNEL = "class_net/class-predict/pointwise_kernel"


def test_a_model_of_ones_own_is_imported_with_its_labels(
    command: Import, mine: Path, arrays: dict[str, Any]
) -> None:
    said = command.succeeds(mine, "--labels", "cat, dog")
    count = sum(array.size for array in arrays.values())
    assert said == (
        f"{command.out}: {NAME}, 2 labels, input 320, {count:,} parameters (NumPy archive)\n"
    )
    loaded = load(command.out, variables(SIZES[NAME], 2))
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array)
    assert loaded.description.labels == ("cat", "dog")
    assert loaded.description.source == "imported from mine.npz (NumPy archive)"
    assert loaded.description.input_convention.startswith("RGB, (x - 127) / 128, ")
    assert stat.S_IMODE(command.out.stat().st_mode) == 0o644


def test_kernels_are_rounded_only_if_asked_for(
    command: Import, tmp_path: Path, arrays: dict[str, Any]
) -> None:
    source = foreign.write_npz(tmp_path / "mine.npz", arrays | {KERNEL: arrays[KERNEL] + 0.1})
    command.succeeds(source, "--labels", "cat,dog")
    exact = load(command.out, variables(SIZES[NAME], 2)).arrays
    np.testing.assert_array_equal(exact[KERNEL], arrays[KERNEL] + np.float32(0.1))
    command.succeeds(source, "--labels", "cat,dog", "--float16")
    rounded = load(command.out, variables(SIZES[NAME], 2)).arrays
    assert (rounded[KERNEL] != exact[KERNEL]).any()
    np.testing.assert_allclose(rounded[KERNEL], exact[KERNEL], rtol=2**-11)
    np.testing.assert_array_equal(rounded[BIAS], exact[BIAS])


def test_labels_come_from_a_file_with_a_line_for_each(
    command: Import, tmp_path: Path, mine: Path
) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\n\n  garden dog \n")
    command.succeeds(mine, "--labels", str(labels))
    assert read_description(command.out).labels == ("cat", "garden dog")


def test_asking_for_some_of_cocos_labels_keeps_only_these(
    command: Import, tmp_path: Path, coco_arrays: dict[str, Any]
) -> None:
    source = foreign.write_hdf5(tmp_path / "coco.h5", coco_arrays)
    said = command.succeeds(
        source,
        "--labels",
        "toothbrush,person",
        "--input-size",
        "448",
    )
    assert "2 labels (88 of the classes left out), input 448" in said
    loaded = load(command.out, variables(SIZES[NAME], 2))
    bias = coco_arrays[BIAS].reshape(9, 90)[:, [89, 0]]  # ids 90 and 1
    np.testing.assert_array_equal(loaded.arrays[BIAS].reshape(9, 2), bias)
    kernel = coco_arrays[KERNEL].reshape(1, 1, 64, 9, 90)[..., [89, 0]]
    np.testing.assert_array_equal(loaded.arrays[KERNEL].reshape(1, 1, 64, 9, 2), kernel)


def test_the_640_pixel_variants_are_known_by_name(
    command: Import, tmp_path: Path, coco_arrays: dict[str, Any]
) -> None:
    command.succeeds(foreign.write_hdf5(tmp_path / "efficientdet-d2-640.h5", coco_arrays))
    assert read_description(command.out).input_size == 640


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "has 2 classes of its own: name them with --labels"),
        (("--labels", "cat"), "has 2 classes, but --labels gives 1 names"),
        (("--labels", "cat,cat"), "label 'cat' is given twice"),
        (("--labels", ","), "no labels are given"),
        (("--labels", "cat," + "x" * 65), f"label '{'x' * 65}' is not of 1 to 64 printable char"),
        (("--labels", "cat,\x1b[2J"), r"label '\x1b[2J' is not of 1 to 64 printable characters"),
        (("--input-size", "321"), "--input-size must be a multiple of 32 from 64 to 2048"),
        (("--input-size", "32"), "--input-size must be a multiple of 32 from 64 to 2048"),
        (("--model", "efficientdet-d9"), "unknown model efficientdet-d9 (did you mean `"),
        (("--dialect", "auto"), "unknown dialect auto (did you mean `automl`?)"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    command: Import, mine: Path, options: tuple[str, ...], reason: str
) -> None:
    (said,) = command.fails(mine, *options, code=2)
    assert said.startswith(reason)


def test_a_label_that_coco_does_not_have_gets_a_hint(
    command: Import, tmp_path: Path, coco_arrays: dict[str, Any]
) -> None:
    source = foreign.write_hdf5(tmp_path / "coco.h5", coco_arrays)
    (said,) = command.fails(source, "--labels", "persn", code=2)
    assert said == "has no class 'persn' (did you mean `person`?)"


def test_labels_that_are_no_text_are_refused(
    command: Import, tmp_path: Path, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels").write_bytes(b"\xff\xfe")
    with pytest.raises(SystemExit, match="2"):
        command.fails(mine, "--labels", str(tmp_path / "labels"), code=2)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith("labels is not text in UTF-8: byte 0\n")
    assert list(command.out.parent.iterdir()) == []


def test_every_tensor_that_is_amiss_is_named(
    command: Import, tmp_path: Path, arrays: dict[str, Any]
) -> None:
    changed = arrays | {
        "extra/kernel": np.zeros(3, np.float32),
        "box_net/box-0/bias": np.zeros(3, np.float32),
        "box_net/box-1/bias": np.zeros(64, np.int64),
    }
    del changed["box_net/box-2/bias"]
    first, *faults = command.fails(
        foreign.write_npz(tmp_path / "mine.npz", changed), "--labels", "a,b"
    )
    assert first == "does not fit efficientdet-lite0: 4 tensors are amiss"
    assert sorted(faults) == [
        "  has an unknown tensor extra/kernel",
        "  lacks tensor box_net/box-2/bias",
        "  tensor box_net/box-0/bias has shape (3,), expected (64,)",
        "  tensor box_net/box-1/bias has type int64, expected float32",
    ]


def test_every_tensor_with_impossible_numbers_is_named(
    command: Import, tmp_path: Path, arrays: dict[str, Any]
) -> None:
    variance = "resample_p6/bn/moving_variance"
    changed = dict(arrays) | {
        "resample_p6/conv2d/bias": np.full(64, np.nan, np.float32),
        "resample_p6/bn/gamma": np.full(64, np.inf, np.float32),
        variance: np.full(64, -1, np.float32),
        "resample_p6/conv2d/kernel": np.full((1, 1, 320, 64), 7e4, np.float32),
    }
    first, *faults = command.fails(
        foreign.write_npz(tmp_path / "mine.npz", changed), "--labels", "a,b"
    )
    assert first == "4 tensors cannot be used"
    assert sorted(faults) == [
        "  tensor resample_p6/bn/gamma holds NaN or infinity",
        "  tensor resample_p6/bn/moving_variance holds a negative variance",
        "  tensor resample_p6/conv2d/bias holds NaN or infinity",
        "  tensor resample_p6/conv2d/kernel holds numbers beyond 65504",
    ]


def test_what_tensors_do_not_tell_the_operator_does(command: Import, tmp_path: Path) -> None:
    full = foreign.random_arrays("efficientdet-d0", 1)
    source = foreign.write_hdf5(tmp_path / "advprop.h5", full)
    command.succeeds(source, "--labels", "a", "--dialect", "automl-advprop")
    description = read_description(command.out)
    assert description.dialect == "automl-advprop"
    assert description.input_convention.startswith("RGB, (x - 127.5) / 127.5, ")
    command.out.unlink()
    (said,) = command.fails(source, "--labels", "a", "--dialect", "article")
    assert said == "is of the dialect automl or automl-advprop, not article"
    (said,) = command.fails(source, "--model", "efficientnet-yolov3-b0")
    assert said == "is laid out as an EfficientDet, not as efficientnet-yolov3-b0"


def test_another_size_than_the_one_named_is_refused(command: Import, mine: Path) -> None:
    source = mine
    first, *faults = command.fails(source, "--model", "efficientdet-lite4")
    assert first == f"does not fit efficientdet-lite4: {len(faults)} tensors are amiss"
    assert len(faults) > 100


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({}, f"holds no tensor {BIAS}: no EfficientDet under its official names (NumPy archive)"),
        ({BIAS: np.zeros(18)}, "is no EfficientDet of a known size (NumPy archive)"),
        ({BIAS: np.zeros(10)}, f"{BIAS} has 10 channels, which no number of classes gives"),
        ({BIAS: np.zeros(0)}, f"{BIAS} has 0 channels, which no number of classes gives"),
    ],
)
def test_tensors_of_something_else_are_refused(
    command: Import, tmp_path: Path, tensors: dict[str, Any], reason: str
) -> None:
    source = foreign.write_npz(tmp_path / "other.npz", tensors | {"a": np.zeros(1)})
    assert command.fails(source) == [reason]


def test_nothing_to_read_or_nowhere_to_write_is_said(
    command: Import, tmp_path: Path, mine: Path
) -> None:
    assert command.fails(tmp_path / "none") == ["No such file or directory"]
    source = mine
    said = command.fails(source, "--labels", "a,b", "-o", str(tmp_path / "no" / "out"), code=1)
    assert len(said) == 1
    assert "No such file or directory" in said[0]
