"""Reads tensors from the files that PyTorch wrote before version 1.6, without PyTorch.

Such a file is a row of pickles with the raw numbers behind them. A pickle is a program: it says
which functions to call. This reader knows four names, none of which does anything but note down
what it was given, and refuses all others; so nothing that a file says is ever run. It can still ask
for memory without end: read only files whose SHA-256 is known.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_PICKLES_BEFORE = 3  # magic number, version, sizes of C types
_DTYPES: dict[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype("<f4"),
    "LongStorage": np.dtype("<i8"),
}


class _Storage(NamedTuple):
    dtype: np.dtype[Any]
    key: str


class _View(NamedTuple):
    """A tensor, while only its place in a storage is known."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in numbers


def read_torch(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """By their names in the state dictionary. Raises ValueError for whatever is no such file."""
    file = io.BytesIO(data)
    try:
        for _ in range(_PICKLES_BEFORE):
            _Reader(file).load()
        views = dict(_Reader(file).load())
        dtypes = {view.storage.key: view.storage.dtype for view in views.values()}
        storages = {key: _numbers(file, dtypes[key]) for key in _Reader(file).load()}
        return {name: _array(storages[view.storage.key], view) for name, view in views.items()}
    except (pickle.UnpicklingError, EOFError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda *said: _View(*said[:4]),
        }
        if module == "torch" and name in _DTYPES:
            return name
        if (module, name) not in known:
            msg = f"asks for {module}.{name}"
            raise pickle.UnpicklingError(msg)
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, *_ = pid
        return _Storage(_DTYPES[kind], key)


def _numbers(file: io.BytesIO, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    count = int.from_bytes(file.read(8), "little")
    return np.frombuffer(file.read(count * dtype.itemsize), dtype, count)


def _array(numbers: npt.NDArray[Any], view: _View) -> npt.NDArray[Any]:
    """Strides need not be those of an array in order: some tensors were transposed."""
    steps = zip(view.shape, view.strides, strict=True)
    last = view.offset + sum((length - 1) * step for length, step in steps)
    if min([view.offset, *view.shape, *view.strides]) < 0 or last >= len(numbers):
        raise ValueError("holds a tensor beyond its numbers")
    strides = [step * numbers.itemsize for step in view.strides]
    return np.lib.stride_tricks.as_strided(numbers[view.offset :], view.shape, strides).copy()
