from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as to_bytes

from detector.api import ModelError
from detector.weights.bundled import resolve
from detector.weights.description import Description, read_description, read_labels
from detector.weights.native import load, save

VARIABLES = {
    "net/kernel": (3, 3, 2, 4),
    "net/bias": (4,),
    "net/bn/moving_variance": (4,),
    "net/WSM": (),
}
DESCRIPTION = Description(
    architecture="efficientdet-lite0",
    labels=("person", "car"),
    input_size=320,
    input_convention="RGB",
    training_data="none",
    licence="none",
    source="a test",
)


def arrays() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        name: np.asarray(np.abs(rng.normal(size=shape)), np.float32)
        for name, shape in VARIABLES.items()
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save(path, arrays(), DESCRIPTION)
    return path


def refusal(path: Path, **arguments: Any) -> str:
    """The one line that refuses the file."""
    with pytest.raises(ModelError) as caught:
        load(path, VARIABLES, **arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_what_was_saved_is_what_is_loaded(path: Path) -> None:
    weights = load(path, VARIABLES)
    for name, array in arrays().items():
        assert weights.arrays[name].dtype == np.float32
        np.testing.assert_array_equal(weights.arrays[name], array)
    assert replace(weights.description, sha256="") == DESCRIPTION


def test_a_file_that_names_no_dialect_is_of_the_original(path: Path) -> None:
    metadata = DESCRIPTION.to_metadata()
    del metadata["dialect"]
    path.write_bytes(to_bytes(arrays(), metadata))
    assert read_description(path).dialect == "automl"


def test_the_file_digest_is_what_sha256sum_prints(path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load(path, VARIABLES, sha256=digest).sha256 == digest
    assert refusal(path, sha256="0" * 64) == f"SHA-256 is {digest}, expected {'0' * 64}"


def test_half_the_space_is_enough_where_kernels_may_be_rounded(path: Path) -> None:
    larger = arrays() | {"net/kernel": np.full((3, 3, 2, 104), 0.1, np.float32)}
    variables = VARIABLES | {"net/kernel": (3, 3, 2, 104)}
    save(path, larger, DESCRIPTION)
    whole_size = path.stat().st_size
    save(path, larger, DESCRIPTION, half=True)
    assert abs(whole_size - path.stat().st_size - 3 * 3 * 2 * 104 * 2) < 32
    loaded = load(path, variables).arrays
    np.testing.assert_allclose(loaded["net/kernel"], 0.1, rtol=2**-11)
    np.testing.assert_array_equal(loaded["net/bias"], larger["net/bias"])


def test_labels_are_read_from_the_header_alone(path: Path) -> None:
    with path.open("r+b") as file:
        header = int.from_bytes(file.read(8), "little")
        file.truncate(8 + header)
    assert read_labels(path) == ("person", "car")


@pytest.mark.parametrize("left", [0, 7, 8, 100, -1])
def test_a_truncated_file_is_refused(path: Path, left: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:left])
    assert re.match(r"not a safetensors file|damaged", refusal(path))


def test_a_changed_tensor_is_refused(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    assert refusal(path) == "damaged (tensors do not match the SHA-256 in the header)"


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        (
            "net/bias",
            np.zeros(5, np.float32),
            "tensor net/bias has shape (5,), expected (4,) (2 labels)",
        ),
        (
            "net/bias",
            np.float32([1, np.nan, 1, 1]),
            "tensor net/bias holds NaN or infinity (2 labels)",
        ),
        ("net/WSM", np.float32(np.inf), "tensor net/WSM holds NaN or infinity (2 labels)"),
        (
            "net/bn/moving_variance",
            np.float32([1, -1, 1, 1]),
            "tensor net/bn/moving_variance holds a negative variance (2 labels)",
        ),
        ("net/other", np.zeros(1, np.float32), "has an unknown tensor net/other (2 labels)"),
    ],
)
def test_a_wrong_tensor_is_named(path: Path, name: str, array: Any, reason: str) -> None:
    save(path, arrays() | {name: np.asarray(array)}, DESCRIPTION)
    assert refusal(path) == reason


def test_missing_tensors_are_counted(path: Path) -> None:
    save(path, {"net/bias": arrays()["net/bias"]}, DESCRIPTION)
    assert refusal(path) == "lacks tensor net/WSM and 2 more (2 labels)"


def test_another_number_type_is_refused(path: Path) -> None:
    stored = arrays() | {"net/bias": np.zeros(4, np.int64)}
    digest = hashlib.sha256()
    for name in sorted(stored):
        digest.update(name.encode() + b"\0" + stored[name].tobytes())
    metadata = replace(DESCRIPTION, sha256=digest.hexdigest()).to_metadata()
    path.write_bytes(to_bytes(stored, metadata))
    assert refusal(path) == "tensor net/bias has type I64, expected F16 or F32 (2 labels)"


@pytest.mark.parametrize(
    "change",
    [
        {"labels": "person, car"},
        {"labels": "[]"},
        {"labels": '["person", "person"]'},
        {"labels": '["person", 3]'},
        {"labels": "[" * 100_000},
        {"input_size": "large"},
        {"sha256": None},
    ],
)
def test_a_file_without_a_sound_description_is_refused(
    path: Path, change: dict[str, str | None]
) -> None:
    metadata = DESCRIPTION.to_metadata() | change
    path.write_bytes(to_bytes(arrays(), {k: v for k, v in metadata.items() if v is not None}))
    reason = "not a safetensors file with a description of its model"
    assert refusal(path) == reason
    with pytest.raises(ModelError, match=reason):
        read_description(path)


def test_a_file_without_any_description_is_refused(path: Path) -> None:
    path.write_bytes(to_bytes(arrays()))
    assert refusal(path) == "not a safetensors file with a description of its model"


def test_a_header_that_claims_to_be_huge_is_not_read(path: Path) -> None:
    path.write_bytes(b"\xff" * 8 + json.dumps({}).encode())
    with pytest.raises(ModelError, match="not a safetensors file"):
        read_description(path)


class Canary:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_refused_and_never_executed(tmp_path: Path) -> None:
    canary, path = tmp_path / "canary", tmp_path / "weights.safetensors"
    path.write_bytes(pickle.dumps(Canary(canary)))
    assert refusal(path) == "not a safetensors file with a description of its model"
    assert not canary.exists()
    pickle.loads(path.read_bytes())
    assert canary.exists()  # the canary does sing


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == "No such file or directory"
    assert refusal(tmp_path) == "Is a directory"
    with pytest.raises(ModelError, match="No such file or directory"):
        read_description(tmp_path / "none")


def test_a_file_beyond_the_size_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)
    assert "are more than a weights file may have" in refusal(path)


def test_bundled_weights_are_there_and_small() -> None:
    path = resolve("efficientdet-lite0", "bundled")
    assert path.stat().st_size < 8_000_000
    assert path.with_suffix(".md").exists()
    assert read_description(path).architecture == "efficientdet-lite0"


def test_without_bundled_weights_it_is_said_what_to_set() -> None:
    with pytest.raises(ModelError, match=r"no weights are shipped for efficientdet-d0 .*: set mod"):
        resolve("efficientdet-d0", "bundled")


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    assert resolve("efficientdet-d0", tmp_path / "a") == tmp_path / "a"
    assert resolve("efficientdet-d0", "weights/a") == Path("weights/a")
