"""Finds out which EfficientDet a source holds, by names and shapes alone, and takes its tensors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detector.api import ModelError
from detector.networks.efficientdet import ANCHORS_PER_CELL, variables
from detector.networks.shapes import Shape
from detector.networks.sizes import SIZES, DetectorSize
from detector.weights.description import unusable
from detector.weights.foreign.tensors import MAX_BYTES, Entry, ForeignTensors, TensorsError

Track = Callable[[Collection[str]], Iterable[str]]  # hands its names on and shows how far it is

_CLASS_BIAS = "class_net/class-predict/bias"
_FLOATS = ("float32", "float16", "bfloat16")
_LARGEST_KERNEL = float(np.finfo(np.float16).max)  # GPUs compute in float16


@dataclass(frozen=True, slots=True)
class Match:
    """A size, and under which names the source holds its variables."""

    spec: DetectorSize
    num_classes: int
    keys: Mapping[str, str]  # from official names


def identify(path: Path, tensors: ForeignTensors, model: str | None = None) -> Match:
    """The size that has exactly these tensors; only `model` is considered where it is given.

    Raises TensorsError with what is amiss to the size that is closest, or ModelError.
    """
    num_classes = _num_classes(path, tensors)
    sizes = [spec for name, spec in SIZES.items() if model in (None, name)]
    if not sizes:
        raise unusable(path, f"is laid out as an EfficientDet, not as {model}")
    tried = [_compared(tensors, spec, num_classes) for spec in sizes]
    fewest = min(len(faults) for _, faults in tried)
    closest = [(match, faults) for match, faults in tried if len(faults) == fewest]
    match, faults = closest[0]
    if not faults:
        return _only([match for match, _ in closest], path)
    if model is None and fewest > len(match.keys) / 2:
        raise unusable(path, f"is no EfficientDet of a known size ({tensors.kind})")
    summary = f"does not fit {match.spec.name}: {len(faults)} tensors are amiss"
    raise TensorsError(path, summary, faults)


def read_arrays(
    tensors: ForeignTensors, match: Match, track: Track = iter
) -> dict[str, npt.NDArray[np.float32]]:
    """All variables by official name. Raises ModelError where one is damaged."""
    return {name: tensors.read(match.keys[name]).astype(np.float32) for name in track(match.keys)}


def check_numbers(
    path: Path, arrays: Mapping[str, npt.NDArray[np.float32]], keys: Mapping[str, str]
) -> None:
    """Raises TensorsError where a tensor, called by its key in the source, holds what it cannot."""
    faults = []
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            faults.append(f"tensor {keys[name]} holds NaN or infinity")
        elif name.endswith("/moving_variance") and (array < 0).any():
            faults.append(f"tensor {keys[name]} holds a negative variance")
        elif array.ndim == 4 and (np.abs(array) > _LARGEST_KERNEL).any():
            faults.append(f"tensor {keys[name]} holds numbers beyond {_LARGEST_KERNEL:.0f}")
    if faults:
        raise TensorsError(path, f"{len(faults)} tensors cannot be used", tuple(faults))


def check_size(path: Path, tensors: ForeignTensors) -> None:
    """Before anything is read. Raises ModelError."""
    if 4 * sum(math.prod(entry.shape) for entry in tensors.entries.values()) > MAX_BYTES:
        raise unusable(path, f"declares tensors of more than {MAX_BYTES} bytes")


def _num_classes(path: Path, tensors: ForeignTensors) -> int:
    key = tensors.spell([_CLASS_BIAS])[_CLASS_BIAS]
    entry = tensors.entries.get(key)
    if entry is None:
        raise unusable(
            path,
            f"holds no tensor {key}: no EfficientDet under its official names ({tensors.kind})",
        )
    channels = math.prod(entry.shape)
    if channels == 0 or channels % ANCHORS_PER_CELL:
        raise unusable(path, f"{key} has {channels} channels, which no number of classes gives")
    return channels // ANCHORS_PER_CELL


def _compared(
    tensors: ForeignTensors, spec: DetectorSize, num_classes: int
) -> tuple[Match, tuple[str, ...]]:
    """What `spec` would make of the source, and what speaks against it."""
    expected = variables(spec, num_classes)
    keys = tensors.spell(expected)
    known = set(keys.values())
    faults = [
        fault
        for name, shape in expected.items()
        if (fault := _fault(tensors.entries.get(keys[name]), keys[name], shape))
    ]
    faults += [f"has an unknown tensor {key}" for key in tensors.entries if key not in known]
    return Match(spec, num_classes, keys), tuple(faults)


def _fault(entry: Entry | None, key: str, shape: Shape) -> str | None:
    if entry is None:
        return f"lacks tensor {key}"
    if entry.shape != shape:
        return f"tensor {key} has shape {entry.shape}, expected {shape}"
    if entry.dtype not in _FLOATS:
        return f"tensor {key} has type {entry.dtype}, expected float32"
    return None


def _only(matches: list[Match], path: Path) -> Match:
    """D6 and D7 have the same tensors: their files can only be told apart by name."""
    if len(matches) == 1:
        return matches[0]
    named = re.findall(r"efficientdet-(?:lite)?d?\d+x?", "/".join(path.absolute().parts[-2:]))
    for match in matches:
        if match.spec.name in named:
            return match
    names = " or ".join(match.spec.name for match in matches)
    msg = f"{path}: may be {names}: say which with --model"
    raise ModelError(msg)
