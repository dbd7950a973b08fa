"""Reads TensorFlow checkpoints, name-based (Saver V2) and object-based (TF2).

Of a variable that has a moving average the average is taken, as the original does. Slots of the
optimizer and counters are left out. The one module here that needs TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.networks.shapes import Shape
from detector.startup import quiet_start
from detector.weights.description import unusable
from detector.weights.foreign.formats import checkpoint_prefix
from detector.weights.foreign.object_names import VALUE, object_paths, variable_path
from detector.weights.foreign.tensors import Entry, ForeignTensors

with quiet_start():
    import tensorflow as tf

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_AVERAGE = "/ExponentialMovingAverage"
_NAMED_SLOT = re.compile(r"global_step|(?P<owner>.+)/Momentum(_\d+)?")
_OBJECT_SLOT = "/.OPTIMIZER_SLOT/"
_OBJECT_AVERAGE = re.compile(rf"(?P<owner>.+){_OBJECT_SLOT}[^/]+/average{re.escape(VALUE)}")
_POINTER = re.compile(r'model_checkpoint_path: "([^"]+)"')


def open_checkpoint(path: Path, *, named: Path | None = None) -> ForeignTensors:
    """A folder with a checkpoint, one of its files, or what their names begin with.

    Raises ModelError, which speaks of `named` where that is given.
    """
    named = named or path
    prefix = checkpoint_prefix(path) or _prefix_in(path, named)
    reader = _reading(named, lambda: tf.train.load_checkpoint(str(prefix)))
    shapes = {key: tuple(shape) for key, shape in reader.get_variable_to_shape_map().items()}
    object_based = OBJECT_GRAPH in shapes
    keys = _object_keys(shapes) if object_based else _named_keys(shapes)
    dtypes = reader.get_variable_to_dtype_map()
    entries = {name: Entry(shapes[key], dtypes[key].name) for name, key in keys.items()}

    def read(name: str) -> npt.NDArray[Any]:
        return np.asarray(_reading(named, lambda: reader.get_tensor(keys[name])))

    if object_based:
        return ForeignTensors("object-based TensorFlow checkpoint", entries, read, object_paths)
    return ForeignTensors("name-based TensorFlow checkpoint", entries, read)


def _prefix_in(folder: Path, named: Path) -> Path:
    """The only checkpoint of a folder, or that which its file `checkpoint` points to.

    Only the last name of what the file says counts: it may not lead out of the folder.
    """
    prefixes = [
        found.with_suffix("") for found in folder.glob("*.index") if not found.name.startswith(".")
    ]
    if not prefixes:
        raise unusable(named, "holds no TensorFlow checkpoint (no .index file)")
    if len(prefixes) == 1:
        return prefixes[0]
    pointer = folder / "checkpoint"
    latest = _POINTER.search(pointer.read_text(errors="replace")) if pointer.is_file() else None
    for prefix in prefixes:
        if latest is not None and prefix.name == Path(latest[1]).name:
            return prefix
    names = ", ".join(sorted(prefix.name for prefix in prefixes))
    raise unusable(named, f"holds several checkpoints, give one of them: {names}")


def _named_keys(shapes: Mapping[str, Shape]) -> dict[str, str]:
    """From variable names to the keys that hold their best values."""
    keys = {}
    for key in shapes:
        slot = _NAMED_SLOT.fullmatch(key)
        owner = slot and (slot["owner"] or key)
        if slot and (owner == key or owner in shapes):
            continue
        name = key.removesuffix(_AVERAGE)
        keys[name] = name + _AVERAGE if name + _AVERAGE in shapes else name
    return keys


def _object_keys(shapes: Mapping[str, Shape]) -> dict[str, str]:
    """From paths of attributes to the keys that hold their best values."""
    averages = {
        match["owner"] + VALUE: key
        for key in shapes
        if (match := _OBJECT_AVERAGE.fullmatch(key)) is not None
    }
    keys = {}
    for key in shapes:
        if not key.endswith(VALUE) or _OBJECT_SLOT in key:
            continue
        path = variable_path(key.removesuffix(VALUE))
        if path is not None:
            keys[path] = averages.get(key, key)
    return keys


def _reading(path: Path, read: Callable[[], Any]) -> Any:
    """What `read` gives; every way that TensorFlow says no as ModelError."""
    try:
        return read()
    except (tf.errors.OpError, ValueError, RuntimeError, LookupError, OSError) as error:
        lines = str(error).splitlines() or ["no reason given"]
        raise unusable(path, f"damaged checkpoint ({lines[0]})") from None
