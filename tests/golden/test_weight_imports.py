"""Imports give bit for bit what was exported, whatever the format it travelled in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.api import ModelError
from detector.networks.efficientdet import variables
from detector.networks.sizes import SIZES
from detector.weights.foreign.classes import COCO_LABELS
from detector.weights.foreign.importer import Wanted, import_weights, write
from detector.weights.native import load
from tests.golden import article, recorded
from tests.support import foreign_weights as foreign

pytestmark = pytest.mark.golden

ALL_SLOTS = tuple(f"slot {number}" for number in range(1, 91))
UNUSED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)


def tar(path: Path, arrays: foreign.Arrays) -> Path:
    folder = foreign.write_checkpoint(path / "efficientdet", arrays)
    return foreign.write_tar(path / "weights.tar.gz", folder)


def hdf5(path: Path, arrays: foreign.Arrays) -> Path:
    return foreign.write_hdf5(path / "weights.h5", arrays)


def objects(path: Path, arrays: foreign.Arrays) -> Path:
    return foreign.write_object_checkpoint(path / "ckpt-1", arrays)


def objects_in_training(path: Path, arrays: foreign.Arrays) -> Path:
    return foreign.write_object_checkpoint(path / "ckpt-1", arrays, wrapped=True)


FORMATS = [tar, hdf5, objects, objects_in_training]


@pytest.mark.parametrize("as_format", FORMATS)
@pytest.mark.parametrize("short", ["d0", "lite0"])
def test_an_import_gives_exactly_what_was_exported(
    tmp_path: Path, short: str, as_format: Callable[[Path, Any], Path]
) -> None:
    exported = recorded.weights(short)
    imported = import_weights(as_format(tmp_path, exported), Wanted(labels=ALL_SLOTS))
    assert imported.description.architecture == f"efficientdet-{short}"
    assert imported.description.input_size == SIZES[f"efficientdet-{short}"].input_size
    assert set(imported.arrays) == set(exported)
    for name, array in exported.items():
        assert imported.arrays[name].dtype == np.float32
        np.testing.assert_array_equal(imported.arrays[name], array, err_msg=name)


def test_by_default_the_80_categories_of_coco_are_kept(tmp_path: Path) -> None:
    exported = recorded.weights("lite0")
    out = tmp_path / "out.safetensors"
    write(out, import_weights(hdf5(tmp_path, exported), Wanted()))
    loaded = load(out, variables(SIZES["efficientdet-lite0"], 80))
    assert loaded.description.labels == COCO_LABELS
    kept = [number - 1 for number in range(1, 91) if number not in UNUSED]
    bias = "class_net/class-predict/bias"
    kernel = "class_net/class-predict/pointwise_kernel"
    for anchor in range(9):
        ours, theirs = slice(anchor * 80, anchor * 80 + 80), [anchor * 90 + at for at in kept]
        np.testing.assert_array_equal(loaded.arrays[bias][ours], exported[bias][theirs])
        np.testing.assert_array_equal(
            loaded.arrays[kernel][..., ours], exported[kernel][..., theirs]
        )


@pytest.mark.parametrize(
    ("short", "architecture", "around"),
    [
        ("d0", "efficientdet-d0", "(58.395, 57.12, 57.375)"),
        ("yolo_b0", "efficientnet-yolov3-b0", "(x - 0) / 255"),
    ],
)
def test_files_of_the_keras_projects_are_imported_as_such(
    tmp_path: Path, short: str, architecture: str, around: str
) -> None:
    source = tmp_path / "weights.h5"
    article.write_h5(source, article._stored(short))
    labels = tuple(f"class {index}" for index in range(20))
    imported = import_weights(source, Wanted(labels=labels))
    expected = article.weights(short)
    assert imported.description.architecture == expected.architecture == architecture
    assert imported.description.dialect == "article"
    assert imported.description.input_convention.endswith("in the middle, grey 128 around it")
    assert around in imported.description.input_convention
    assert set(imported.arrays) == set(expected.arrays)
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(imported.arrays[name], array, err_msg=name)

    stretched = import_weights(source, Wanted(dialect="article-stretched", labels=labels))
    assert stretched.description.input_convention.endswith("stretched to the input")
    with pytest.raises(ModelError, match=f"holds {architecture}, not efficientdet-d7"):
        import_weights(source, Wanted("efficientdet-d7", labels=labels))
