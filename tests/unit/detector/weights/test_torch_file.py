from __future__ import annotations

import io
import os
import pickle
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from detector.weights.torch_file import read_torch


class Storage:
    def __init__(self, key: str, numbers: np.ndarray[Any, Any]) -> None:
        self.key = key
        self.numbers = numbers


class FloatStorage:
    """Stands for PyTorch's, in the name only."""


class Tensor:
    def __init__(self, storage: Storage, offset: int, shape: Any, strides: Any) -> None:
        self.view = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self) -> Any:
        return _rebuild_tensor_v2, self.view


def _rebuild_tensor_v2(*_: Any) -> None:
    raise AssertionError("run by the reader")


class Writer(pickle.Pickler):
    def persistent_id(self, item: Any) -> Any:
        if not isinstance(item, Storage):
            return None
        return ("storage", FloatStorage, item.key, "cpu", len(item.numbers), None)


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules for the pickler to look the two names up in."""
    for thing, module in ((FloatStorage, "torch"), (_rebuild_tensor_v2, "torch._utils")):
        there = ModuleType(module)
        setattr(there, thing.__name__, thing)
        monkeypatch.setitem(sys.modules, module, there)
        monkeypatch.setattr(thing, "__module__", module)


def written(state: Any, *storages: Storage) -> bytes:
    """As `torch.save` did."""
    file = io.BytesIO()
    for said in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(said, file, protocol=2)
    Writer(file, protocol=2).dump(state)
    pickle.dump([storage.key for storage in storages], file, protocol=2)
    for storage in storages:
        file.write(len(storage.numbers).to_bytes(8, "little") + storage.numbers.tobytes())
    return file.getvalue()


def test_tensors_come_with_their_shapes_from_shared_storages() -> None:
    one = Storage("1", np.arange(12, dtype="<f4"))
    other = Storage("2", np.array([7], dtype="<f4"))
    state = OrderedDict(
        whole=Tensor(one, 0, (3, 4), (4, 1)),
        part=Tensor(one, 4, (2, 2), (4, 1)),
        transposed=Tensor(one, 0, (4, 3), (1, 4)),
        scalar=Tensor(other, 0, (), ()),
    )
    arrays = read_torch(written(state, one, other))
    numbers = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(arrays["whole"], numbers)
    np.testing.assert_array_equal(arrays["part"], numbers[1:, :2])
    np.testing.assert_array_equal(arrays["transposed"], numbers.T)
    assert arrays["scalar"] == 7


class Hostile:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.marker),)


def test_a_file_that_asks_for_anything_else_is_refused_and_nothing_is_run(tmp_path: Path) -> None:
    marker = tmp_path / "run"
    with pytest.raises(ValueError, match=r"asks for posix\.mkdir"):
        read_torch(written(OrderedDict(kernel=Hostile(marker))))
    assert not marker.exists()


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (5,), (1,)), (2, (2, 2), (2, 1)), (-1, (1,), (1,)), (3, (2,), (-1,)), (0, (2,), (1, 1))],
)
def test_a_tensor_beyond_its_numbers_is_refused(offset: int, shape: Any, strides: Any) -> None:
    storage = Storage("1", np.arange(4, dtype="<f4"))
    with pytest.raises(ValueError, match=r"."):
        read_torch(written({"kernel": Tensor(storage, offset, shape, strides)}, storage))


def test_a_file_that_ends_early_is_refused() -> None:
    storage = Storage("1", np.arange(4, dtype="<f4"))
    whole = written({"kernel": Tensor(storage, 0, (4,), (1,))}, storage)
    for length in (0, 1, 20, len(whole) // 2, len(whole) - 20, len(whole) - 1):
        with pytest.raises(ValueError, match=r"."):
            read_torch(whole[:length])


@pytest.mark.parametrize("state", [7, [1, 2], {"kernel": "text"}, {"kernel": ("a", "b")}])
def test_a_pickle_of_something_else_is_refused(state: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_torch(written(state))
