"""Reads HDF5 files that Keras saved under official variable names. Keras itself is not used.

Only the tensors are looked at, never the stored configuration, which could name code to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from detector.weights.description import unusable
from detector.weights.foreign.tensors import Entry, ForeignTensors

_MAX_TENSORS = 20_000


@contextmanager
def open_hdf5(path: Path) -> Iterator[ForeignTensors]:
    """Raises ModelError."""
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise unusable(path, f"damaged HDF5 file ({error})") from None
    with file:
        try:
            datasets = _datasets(path, _weights_group(file))
        except (OSError, RuntimeError, ValueError) as error:
            raise unusable(path, f"damaged HDF5 file ({error})") from None

        def read(name: str) -> npt.NDArray[Any]:
            try:
                return np.asarray(datasets[name][()])
            except (OSError, RuntimeError, ValueError) as error:
                raise unusable(path, f"tensor {name} is damaged ({error})") from None

        entries = {
            name: Entry(tuple(dataset.shape), dataset.dtype.name)
            for name, dataset in datasets.items()
        }
        yield ForeignTensors("HDF5 file", entries, read)


def _weights_group(file: Any) -> Any:
    """The file itself, or its group of weights where a whole model was saved."""
    link = file.get("model_weights", getlink=True)
    return file["model_weights"] if isinstance(link, h5py.HardLink) else file


def _datasets(path: Path, root: Any) -> dict[str, Any]:
    """By variable name: Keras stores `layer/layer/…/kernel:0`, the first being the group's name.

    Links to elsewhere are not followed; a dataset may not take its numbers from other files.
    """
    found: dict[str, Any] = {}

    def visit(stored_as: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual:
            raise unusable(path, f"tensor {stored_as} is kept in another file: not read")
        if len(found) == _MAX_TENSORS:
            raise unusable(path, f"holds more than {_MAX_TENSORS} tensors")
        found[stored_as.partition("/")[2].removesuffix(":0")] = item

    root.visititems(visit)
    return found
