"""Opens a source of any kind that is known here; what was unpacked is removed afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detector.weights.description import unusable
from detector.weights.foreign.archive import unpack_checkpoint
from detector.weights.foreign.formats import Format, format_of
from detector.weights.foreign.tensors import MAX_BYTES, ForeignTensors


@contextmanager
def open_foreign(path: Path) -> Iterator[ForeignTensors]:
    """Readers are imported when they are needed. Raises ModelError."""
    kind = format_of(path)
    if kind.refusal:
        raise unusable(path, kind.refusal)
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise unusable(path, f"is larger than {MAX_BYTES} bytes")
    if kind is Format.HDF5:
        from detector.weights.foreign.hdf5 import open_hdf5

        with open_hdf5(path) as tensors:
            yield tensors
    elif kind is Format.NPZ:
        from detector.weights.foreign.npz import open_npz

        with open_npz(path) as tensors:
            yield tensors
    else:
        with _checkpoint(path, packed=kind is Format.ARCHIVE) as tensors:
            yield tensors


@contextmanager
def _checkpoint(path: Path, *, packed: bool) -> Iterator[ForeignTensors]:
    from detector.weights.foreign.checkpoint import open_checkpoint

    if not packed:
        yield open_checkpoint(path)
        return
    with tempfile.TemporaryDirectory(prefix="vedette-weights-") as name:
        unpack_checkpoint(path, Path(name))
        yield open_checkpoint(Path(name), named=path)
