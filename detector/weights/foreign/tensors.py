"""What a reader of someone else's file offers: names, shapes, types, and one tensor at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from detector.api import ModelError
from detector.networks.shapes import Shape
from detector.weights.description import unusable

MAX_BYTES = 2 * 1024**3  # of a source, packed or unpacked


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file declares of one tensor, before it is read."""

    shape: Shape
    dtype: str  # in NumPy's words


def by_own_name(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}


@dataclass(frozen=True, slots=True)
class ForeignTensors:
    """An open source; valid for as long as the context that gave it.

    `read` raises ModelError where the bytes of a tensor are damaged.
    """

    kind: str  # in words, as in `HDF5 file`
    entries: Mapping[str, Entry]
    read: Callable[[str], npt.NDArray[Any]]
    # From the official names of an architecture to the names in this source.
    spell: Callable[[Iterable[str]], Mapping[str, str]] = by_own_name


class TensorsError(ModelError):
    """Tensors that are missing, unknown or wrong; `faults` has a line for each of them."""

    def __init__(self, path: Path, summary: str, faults: tuple[str, ...]) -> None:
        super().__init__(str(unusable(path, summary)))
        self.faults = faults
