"""Reads NumPy archives whose arrays have official variable names. Pickled objects are refused."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from detector.weights.description import unusable
from detector.weights.foreign.tensors import MAX_BYTES, Entry, ForeignTensors

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError)
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@contextmanager
def open_npz(path: Path) -> Iterator[ForeignTensors]:
    """Raises ModelError."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if sum(info.file_size for info in members.values()) > MAX_BYTES:
            raise unusable(path, f"unpacks to more than {MAX_BYTES} bytes")
        entries = {name: _entry(path, archive, info) for name, info in members.items()}

        def read(name: str) -> npt.NDArray[Any]:
            try:
                with archive.open(members[name]) as member:
                    return np.asarray(npy.read_array(member, allow_pickle=False))
            except _DAMAGE as error:
                raise unusable(path, f"tensor {name} is damaged ({error})") from None

        yield ForeignTensors("NumPy archive", entries, read)


def _entry(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    try:
        with archive.open(info) as member:
            shape, _fortran, dtype = _HEADERS[npy.read_magic(member)](member)
    except (*_DAMAGE, KeyError) as error:
        raise unusable(path, f"{info.filename} is no NumPy array ({error})") from None
    if dtype.hasobject:
        raise unusable(path, f"{info.filename} holds Python objects, a pickle: not read")
    return Entry(tuple(shape), dtype.name)
