"""Reads the HDF5 files of the two Keras projects that the dialect `article` comes from.

They name layers as Keras does; what they hold leaves here under this project's names. What differs
from google/automl's EfficientDet only by order is put into that order too: the anchors of a cell,
the four numbers of a box, and the fusion weights of a node, which come as one vector. So the
network, its anchors and its decoding are the same afterwards.

Only the tensors are looked at, never a stored configuration, which could name code to run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from detector.models import DIALECTS, Model
from detector.networks.efficientdet import ANCHORS_PER_CELL
from detector.networks.yolov3 import BOX_NUMBERS, BOXES_PER_CELL
from detector.weights.description import unusable

Floats = npt.NDArray[np.float32]
Layers = dict[str, dict[str, Floats]]  # arrays by layer and by the last part of their name

_BLOCK = re.compile(r"block(\d)([a-z])_(\w+)")
_AUTO_NAMED = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")
_ANCHOR_SHAPES = (1, 0, 2)  # of heights over widths .5, 1, 2: where automl's 1, .5, 2 are
_BOX_ORDER = (1, 0, 3, 2)  # of tx, ty, tw, th: where automl's ty, tx, th, tw are
_BACKBONE = "backbone"  # stands for `efficientnet-b0` … until the size is known
_BACKBONE_NAME = re.compile(r"^efficientnet-b\d")

_DIALECT = "article"
_EFFICIENTDETS = {k: v for k, v in DIALECTS[_DIALECT].items() if k.startswith("efficientdet-")}
_YOLOS = {k: v for k, v in DIALECTS[_DIALECT].items() if k not in _EFFICIENTDETS}


class ArticleWeights(NamedTuple):
    """A trained network under this project's names."""

    arrays: dict[str, Floats]
    architecture: str
    dialect: str
    num_classes: int


def read_article_h5(path: Path) -> ArticleWeights:
    """Which of the sixteen networks it is follows from names and shapes. Raises ModelError."""
    layers = read_layers(path)
    read, models = (
        (_efficientdet, _EFFICIENTDETS) if "class_net/class-predict" in layers else (_yolo, _YOLOS)
    )
    try:
        arrays, num_classes = read(layers)
    except (KeyError, ValueError) as error:
        raise unusable(path, f"is not laid out as the article's networks are ({error})") from None
    return _fitted(path, arrays, num_classes, models)


def read_layers(path: Path) -> Layers:
    """Layers that have weights, in the file's order; its groups and weights are named by lists.

    Raises ModelError.
    """
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            return {
                layer: arrays
                for layer in _names(root.attrs["layer_names"])
                if (arrays := dict(_arrays(path, file, root[layer])))
            }
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise unusable(path, f"is no HDF5 file of Keras weights ({error})") from None


def _arrays(path: Path, file: Any, group: Any) -> Iterator[tuple[str, Floats]]:
    for name in _names(group.attrs["weight_names"]):
        dataset = group[name]
        if dataset.file.filename != file.filename or dataset.external or dataset.is_virtual:
            raise unusable(path, f"tensor {name} is kept in another file: not read")
        yield name.rpartition("/")[2].removesuffix(":0"), dataset[()].astype(np.float32)


def _names(listed: Any) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in listed]


def backbone_arrays(layers: Layers, name: str = _BACKBONE) -> dict[str, Floats]:
    """By variable names of the backbone `name`, from Keras's names of layers.

    Blocks are counted from stage 1 on; within a block, layers of one kind by use.
    """
    arrays = _renamed(layers["stem_conv"], f"{name}/stem/conv2d")
    arrays |= _renamed(layers["stem_bn"], f"{name}/stem/tpu_batch_normalization")
    blocks: dict[tuple[str, str], set[str]] = {}
    for layer in layers:
        if match := _BLOCK.fullmatch(layer):
            blocks.setdefault((match[1], match[2]), set()).add(match[3])
    for index, (block, parts) in enumerate(sorted(blocks.items())):
        for part, own in _block_names(parts).items():
            layer = f"block{''.join(block)}_{part}"
            arrays |= _renamed(layers[layer], f"{name}/blocks_{index}/{own}")
    return arrays


def _block_names(parts: set[str]) -> dict[str, str]:
    convolutions = [part for part in ("expand_conv", "project_conv") if part in parts]
    norms = [part for part in ("expand_bn", "bn", "project_bn") if part in parts]
    names = {"dwconv": "depthwise_conv2d", "se_reduce": "se/conv2d", "se_expand": "se/conv2d_1"}
    names |= {part: _numbered("conv2d", i) for i, part in enumerate(convolutions)}
    names |= {part: _numbered("tpu_batch_normalization", i) for i, part in enumerate(norms)}
    return {part: name for part, name in names.items() if part in parts}


def _efficientdet(layers: Layers) -> tuple[dict[str, Floats], int]:
    arrays = backbone_arrays(layers)
    for layer, parts in layers.items():
        if layer.endswith("/add"):
            node = layer.removesuffix("/add")
            (weights,) = parts.values()
            for index, weight in enumerate(weights):
                arrays[f"{node}/{_numbered('WSM', index)}"] = np.asarray(weight)
        elif "/" in layer:
            arrays |= _renamed(parts, layer)
    num_classes = arrays["class_net/class-predict/bias"].size // ANCHORS_PER_CELL
    for head, order in (("class", range(num_classes)), ("box", _BOX_ORDER)):
        for part in ("pointwise_kernel", "bias"):
            name = f"{head}_net/{head}-predict/{part}"
            arrays[name] = _reordered(arrays[name], order)
    return arrays, num_classes


def _reordered(array: Floats, order: Sequence[int]) -> Floats:
    """Last axis from shapes × sizes × numbers to sizes × shapes × numbers, these in `order`."""
    by_shape = array.reshape(*array.shape[:-1], 3, 3, len(order))
    by_size = by_shape.swapaxes(-3, -2)[..., _ANCHOR_SHAPES, :][..., order]
    return np.ascontiguousarray(by_size.reshape(array.shape))


def _yolo(layers: Layers) -> tuple[dict[str, Floats], int]:
    """The neck's layers are numbered as they were built, which is how `yolo_network` builds them;
    the file's own order is another one.
    """
    numbered: dict[str, dict[int, str]] = {"conv2d": {}, "batch_normalization": {}}
    for layer in layers:
        if match := _AUTO_NAMED.fullmatch(layer):
            numbered[match[1]][int(match[2] or 0)] = layer
    ours = [name for name in next(iter(_YOLOS.values())).variables(1) if name.startswith("yolo/")]
    arrays = backbone_arrays(layers)
    for kind, part in (("conv2d", "/kernel"), ("batch_normalization", "/gamma")):
        names = [name.removesuffix(part) for name in ours if name.endswith(part)]
        theirs = [layer for _, layer in sorted(numbered[kind].items())]
        for name, layer in zip(names, theirs, strict=True):
            arrays |= _renamed(layers[layer], name)
    return arrays, arrays["yolo/p5/predict/bias"].size // BOXES_PER_CELL - BOX_NUMBERS


def _fitted(
    path: Path, arrays: dict[str, Floats], num_classes: int, models: Mapping[str, Model]
) -> ArticleWeights:
    """Raises ModelError where no size has exactly these variables."""
    found = {name: array.shape for name, array in arrays.items()}
    tried = {}
    for architecture, model in models.items():
        expected = {
            _BACKBONE_NAME.sub(_BACKBONE, name): (name, shape)
            for name, shape in model.variables(num_classes).items()
        }
        amiss = [
            name
            for name in found.keys() | expected.keys()
            if name not in expected or found.get(name) != expected[name][1]
        ]
        if not amiss:
            renamed = {name: arrays[key] for key, (name, _) in expected.items()}
            return ArticleWeights(renamed, architecture, _DIALECT, num_classes)
        tried[architecture] = amiss
    closest = min(tried, key=lambda architecture: len(tried[architecture]))
    msg = f"fits no size: for {closest} {len(tried[closest])} tensors are amiss,"
    raise unusable(path, f"{msg} as {min(tried[closest])}")


def _renamed(parts: dict[str, Floats], name: str) -> dict[str, Floats]:
    return {f"{name}/{part}": array for part, array in parts.items()}


def _numbered(name: str, index: int) -> str:
    return f"{name}_{index}" if index else name
