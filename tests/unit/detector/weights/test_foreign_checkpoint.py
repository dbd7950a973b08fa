"""TensorFlow checkpoints: where they are, which copy of a variable counts, how they break."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.api import ModelError
from detector.networks.sizes import SIZES
from detector.weights.foreign import matching
from detector.weights.foreign.checkpoint import open_checkpoint
from detector.weights.foreign.importer import Wanted, import_weights
from detector.weights.foreign.object_names import object_paths, variable_path
from detector.weights.foreign.opening import open_foreign
from tests.support import foreign_weights as foreign

A, B = np.float32([1, 2]), np.float32([3, 4])
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def read_all(path: Path) -> None:
    with open_foreign(path) as tensors:
        for name in tensors.entries:
            tensors.read(name)


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_all(path)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_the_moving_average_is_taken_where_there_is_one(tmp_path: Path) -> None:
    tensors = {
        "a": A,
        "a/ExponentialMovingAverage": B,
        "a/Momentum": A,
        "b": A,
        "b/Momentum_1": A,
        "c/ExponentialMovingAverage": B,
        "global_step": np.int64(3),
        "d/Momentum": A,  # of nothing that is here
    }
    found = open_checkpoint(foreign.write_tensors(tmp_path / "m", tensors))
    values = {name: list(found.read(name)) for name in found.entries}
    assert values == {"a": [3, 4], "b": [1, 2], "c": [3, 4], "d/Momentum": [1, 2]}


def test_the_moving_average_is_taken_from_object_based_checkpoints_too(tmp_path: Path) -> None:
    slot = "/.OPTIMIZER_SLOT/optimizer/"
    tensors = {
        "_CHECKPOINTABLE_OBJECT_GRAPH": np.array(b""),
        f"backbone/a{VALUE}": A,
        f"backbone/a{slot}average{VALUE}": B,
        f"backbone/a{slot}momentum{VALUE}": A,
        f"class_net/b{VALUE}": A,
        f"optimizer/iter{VALUE}": np.int64(1),
        f"save_counter{VALUE}": np.int64(1),
    }
    found = open_checkpoint(foreign.write_tensors(tmp_path / "m", tensors))
    values = {name: list(found.read(name)) for name in found.entries}
    assert values == {"backbone/a": [3, 4], "class_net/b": [1, 2]}


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("fpn_cells/cells/0/fnodes/1/vars/0", "fpn_cells/cells/0/fnodes/1/WSM"),
        ("fpn_cells/cells/0/fnodes/1/vars/2", "fpn_cells/cells/0/fnodes/1/WSM_2"),
        ("fpn_cells/cells/0/fnodes/1/WSM_1", "fpn_cells/cells/0/fnodes/1/WSM_1"),
        ("model/backbone/_stem/_bn/gamma", "backbone/_stem/_bn/gamma"),
        ("my_backbone/gamma", None),
        ("optimizer/iter", None),
    ],
)
def test_keys_are_seen_from_the_model_on(key: str, path: str | None) -> None:
    assert variable_path(key) == path


def test_a_name_that_is_not_official_has_no_path() -> None:
    with pytest.raises(ValueError, match="other/kernel is not an official name"):
        object_paths(["other/kernel"])


@pytest.mark.parametrize("given", ["", "m", "m.index", "m.data-00000-of-00001"])
def test_a_checkpoint_is_found_by_folder_prefix_and_file(tmp_path: Path, given: str) -> None:
    foreign.write_tensors(tmp_path / "m", {"a": A})
    assert list(open_checkpoint(tmp_path / given).entries) == ["a"]


def test_of_several_checkpoints_the_latest_is_taken(tmp_path: Path) -> None:
    for name in ("ckpt-1", "ckpt-2", "ckpt-3"):
        foreign.write_tensors(tmp_path / name, {name: A})
    assert refusal(tmp_path) == (
        "holds several checkpoints, give one of them: ckpt-1, ckpt-2, ckpt-3"
    )
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/somewhere/else/ckpt-2"\n')
    assert list(open_checkpoint(tmp_path).entries) == ["ckpt-2"]
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "ckpt-9"\n')
    assert refusal(tmp_path).startswith("holds several checkpoints")


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "holds no TensorFlow checkpoint (no .index file)"


@pytest.mark.parametrize("name", ["m.index", "m.data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["shorter", "empty", "gone", "changed"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, name: str, damage: str) -> None:
    prefix = foreign.write_tensors(tmp_path / "m", {"a": np.ones(1000, np.float32)})
    path = tmp_path / name
    data = path.read_bytes()
    middle = len(data) // 3
    if damage == "gone":
        path.unlink()
    elif damage == "changed":
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :])
    else:
        path.write_bytes(data[: middle if damage == "shorter" else 0])
    said = refusal(prefix)
    missing = name == "m.index" and damage == "gone"
    assert said == "No such file or directory" if missing else re.match("damaged", said)


def test_what_was_unpacked_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = foreign.write_checkpoint(tmp_path / "efficientdet-d7", {"a": A})
    source = foreign.write_tar(tmp_path / "weights.tar.gz", folder)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with open_foreign(source) as tensors:
        assert list(tensors.read("a")) == [1, 2]
        assert len(list((tmp_path / "temporary").iterdir())) == 1
    assert list((tmp_path / "temporary").iterdir()) == []
    assert "temporary" not in refusal(foreign.write_tar(source, tmp_path / "temporary"))
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("model", ["efficientdet-d6", "efficientdet-d7"])
def test_sizes_with_equal_tensors_are_told_apart_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    """D6 and D7 are too large to write here: two small ones that are as alike stand for them."""
    small = SIZES["efficientdet-lite0"]
    alike = {name: replace(small, name=name) for name in ("efficientdet-d6", "efficientdet-d7")}
    monkeypatch.setattr(matching, "SIZES", alike)
    arrays = foreign.random_arrays("efficientdet-lite0", 1)
    wanted = Wanted(labels=("a",))
    source = foreign.write_hdf5(tmp_path / f"{model}.h5", arrays)
    assert import_weights(source, wanted).description.architecture == model
    nameless = source.rename(tmp_path / "weights.h5")
    with pytest.raises(ModelError, match=r"may be efficientdet-d6 or efficientdet-d7: say which"):
        import_weights(nameless, wanted)
    chosen = import_weights(nameless, Wanted(model, labels=("a",)))
    assert chosen.description.architecture == model
