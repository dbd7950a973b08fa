"""The numbers that a network begins with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detector.models import Model
from detector.networks.shapes import Shape
from detector.networks.sizes import DetectorSize
from detector.networks.yolov3 import BOX_NUMBERS
from detector.weights.bundled import resolve
from detector.weights.description import read_description, unusable
from detector.weights.native import Weights, load

Arrays = dict[str, npt.NDArray[np.float32]]
_RARE = 0.01  # how likely an anchor is taken for an object at first (RetinaNet, arXiv:1708.02002)


@dataclass(frozen=True, slots=True)
class Start:
    """Arrays for every variable, and in words where they come from."""

    arrays: Arrays
    origin: str


def starting_point(model: Model, name: str, labels: tuple[str, ...], init: str, seed: int) -> Start:
    """`init` is `random`, `imagenet` (the backbone alone), `bundled`, or the path or name of
    weights of the same architecture, whose classes may be others: what they have in common is kept.

    Raises ModelError.
    """
    arrays = fresh(model.spec, model.variables(len(labels)), seed)
    if init == "random":
        return Start(arrays, "random numbers")
    if init == "imagenet":
        from detector.weights.imagenet import imagenet_backbone

        backbone = model.spec.backbone.name
        arrays |= imagenet_backbone(backbone)
        return Start(arrays, f"{backbone} trained on ImageNet")
    path = resolve(name, init)
    known = _trained(path, model, name)
    kept = _with_classes(known.arrays, arrays, known.description.labels, labels)
    return Start(arrays | kept, f"{path.name}, {len(kept)} of {len(arrays)} tensors")


def usual_input_size(name: str, init: str, model: Model) -> int:
    """That of the weights to begin with, if they are of a detector. Raises ModelError."""
    if init in ("random", "imagenet"):
        return model.input_size
    return read_description(resolve(name, init)).input_size


def fresh(spec: object, variables: Mapping[str, Shape], seed: int) -> Arrays:
    """As the originals begin: kernels scaled by their fan-in, fan-out in the backbone, and
    predictions that take nearly every anchor for background.
    """
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, shape in variables.items():
        arrays[name] = np.asarray(_values(rng, name, shape), np.float32)
    if isinstance(spec, DetectorSize):
        bias = "class_net/class-predict/bias"
        arrays[bias] = np.full(variables[bias], -math.log((1 - _RARE) / _RARE), np.float32)
    return arrays


def _values(rng: np.random.Generator, name: str, shape: Shape) -> npt.NDArray[np.float64]:
    if name.endswith(("/gamma", "/moving_variance")) or "/WSM" in name:
        return np.ones(shape)
    if len(shape) < 4:
        return np.zeros(shape)
    height, width, inputs, outputs = shape
    depthwise = name.endswith("/depthwise_kernel")
    if name.startswith("yolo/"):
        deviation = 0.02
    elif name.startswith("efficientnet-"):
        deviation = math.sqrt(2 / (height * width * outputs))
    else:
        deviation = math.sqrt(1 / (height * width * (1 if depthwise else inputs)))
    return rng.normal(0, deviation, shape)


def _trained(path: Path, model: Model, name: str) -> Weights:
    description = read_description(path)
    if description.architecture != name:
        raise unusable(path, f"holds {description.architecture}, not {name}")
    return load(path, model.variables(len(description.labels)))


def _with_classes(
    known: Mapping[str, npt.NDArray[np.float32]],
    fresh_arrays: Arrays,
    old: tuple[str, ...],
    new: tuple[str, ...],
) -> Arrays:
    """All but predictions of classes that are not in both, which begin afresh."""
    kept = {}
    for name, array in known.items():
        before = _numbers_before_classes(name)
        if before is None or old == new:
            kept[name] = array
        else:
            kept[name] = _classes(array, fresh_arrays[name], old, new, before)
    return kept


def _numbers_before_classes(name: str) -> int | None:
    """How many outputs an anchor has before those for its classes; None where it has no such."""
    if name.startswith("class_net/class-predict/") and not name.endswith("/depthwise_kernel"):
        return 0
    return BOX_NUMBERS if name.startswith("yolo/") and "/predict/" in name else None


def _classes(
    array: npt.NDArray[np.float32],
    wanted: npt.NDArray[np.float32],
    old: tuple[str, ...],
    new: tuple[str, ...],
    before: int,
) -> npt.NDArray[np.float32]:
    """The last axis is anchors × (`before` + classes)."""
    source = array.reshape(*array.shape[:-1], -1, before + len(old))
    result = wanted.reshape(*wanted.shape[:-1], -1, before + len(new)).copy()
    result[..., :before] = source[..., :before]
    for index, label in enumerate(new):
        if label in old:
            result[..., before + index] = source[..., before + old.index(label)]
    return result.reshape(wanted.shape)
