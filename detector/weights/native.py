"""The project's own weights file: safetensors, official variable names, float32 or float16 kernels.

Nothing in the file is ever executed, and nothing is used before it was checked.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save as to_bytes

from config.files import open_regular
from detector.networks.shapes import Shape
from detector.weights.description import Description, header_length, parse_description, unusable

_MAX_BYTES = 2 * 1024**3
_STORED: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
Arrays = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Weights:
    """A checked file: float32 arrays by official name, and what the file says of itself."""

    arrays: Arrays
    description: Description
    sha256: str  # of the file


def save(path: Path, arrays: Arrays, description: Description, *, half: bool = False) -> None:
    """Write the file in float32, or in `half` the size, with convolution kernels as float16."""
    stored = {
        name: np.array(array, "<f2" if half and array.ndim == 4 else "<f4", order="C")
        for name, array in arrays.items()
    }
    description = replace(description, sha256=_digest({k: v.tobytes() for k, v in stored.items()}))
    path.write_bytes(_ordered(to_bytes(stored, description.to_metadata())))


def relabel(path: Path, out: Path, description: Description) -> None:
    """Write a copy with the same tensors that says something else of itself. Raises ModelError,
    OSError.
    """
    data = _read(path)
    try:
        entries: dict[str, dict[str, Any]] = dict(deserialize(data))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise unusable(path, f"damaged ({error})") from None
    digest = _digest({name: entry["data"] for name, entry in entries.items()})
    if digest != parse_description(path, data).sha256:
        raise unusable(path, "damaged (tensors do not match the SHA-256 in the header)")
    stored = {
        name: np.frombuffer(entry["data"], _STORED[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in entries.items()
    }
    metadata = replace(description, sha256=digest).to_metadata()
    out.write_bytes(_ordered(to_bytes(stored, metadata)))


def load(path: Path, variables: Mapping[str, Shape], *, sha256: str | None = None) -> Weights:
    """The whole file, checked against an architecture's `variables` and, if given, its own SHA-256.

    Raises ModelError: one line that names the file, the tensor and what is wrong with it.
    """
    data = _read(path)
    file_sha256 = hashlib.sha256(data).hexdigest()
    if sha256 not in (None, file_sha256):
        raise unusable(path, f"SHA-256 is {file_sha256}, expected {sha256}")
    description = parse_description(path, data)
    try:
        entries: dict[str, dict[str, Any]] = dict(deserialize(data))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise unusable(path, f"damaged ({error})") from None
    if _digest({name: entry["data"] for name, entry in entries.items()}) != description.sha256:
        raise unusable(path, "damaged (tensors do not match the SHA-256 in the header)")
    try:
        _check_names(set(entries), set(variables))
        arrays = {name: _array(name, entries[name], shape) for name, shape in variables.items()}
    except ValueError as error:
        raise unusable(path, f"{error} ({len(description.labels)} labels)") from None
    return Weights(arrays, description, file_sha256)


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise unusable(
                path, f"{size} bytes are more than a weights file may have ({_MAX_BYTES})"
            )
        with open_regular(path) as file:
            return file.read()
    except OSError as error:
        raise unusable(path, error.strerror or "cannot be read") from None


def _ordered(data: bytes) -> bytes:
    """The same file with its header in one order: the library writes it in another each time."""
    length = header_length(data)
    text = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True, ensure_ascii=False)
    header = text.encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data[8 + length :]


def _check_names(found: set[str], expected: set[str]) -> None:
    for names, word in ((expected - found, "lacks"), (found - expected, "has an unknown")):
        if names:
            others = f" and {len(names) - 1} more" if len(names) > 1 else ""
            msg = f"{word} tensor {min(names)}{others}"
            raise ValueError(msg)


def _array(name: str, entry: Mapping[str, Any], shape: Shape) -> npt.NDArray[np.float32]:
    """One tensor as float32. Raises ValueError."""
    fault = None
    if tuple(entry["shape"]) != shape:
        fault = f"has shape {tuple(entry['shape'])}, expected {shape}"
    elif entry["dtype"] not in _STORED:
        fault = f"has type {entry['dtype']}, expected F16 or F32"
    else:
        stored = np.frombuffer(entry["data"], _STORED[entry["dtype"]])
        array = stored.astype(np.float32).reshape(shape)
        if not np.isfinite(array).all():
            fault = "holds NaN or infinity"
        elif name.endswith("/moving_variance") and (array < 0).any():
            fault = "holds a negative variance"
    if fault is not None:
        msg = f"tensor {name} {fault}"
        raise ValueError(msg)
    return array


def _digest(tensors: Mapping[str, bytes | bytearray]) -> str:
    """SHA-256 over names and stored bytes, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + b"\0")
        digest.update(tensors[name])
    return digest.hexdigest()
