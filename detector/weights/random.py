"""Weights that nobody trained, for measuring an architecture that none are at hand for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from detector.models import DIALECTS, check_name
from detector.networks.shapes import Shape
from detector.weights.description import Description
from detector.weights.native import save

_COCO_CLASSES = 90


def save_random(path: Path, name: str) -> None:
    """A file for the architecture `name` in its first dialect, with as many classes as COCO has
    numbers for. Raises ModelError.

    No array is constant: TensorFlow would leave out what adds zero or multiplies by one.
    """
    check_name(name)
    rng = np.random.default_rng(0)
    dialect, model = next((d, models[name]) for d, models in DIALECTS.items() if name in models)
    variables = model.variables(_COCO_CLASSES)
    description = Description(
        architecture=name,
        labels=tuple(f"class {number}" for number in range(_COCO_CLASSES)),
        input_size=model.input_size,
        input_convention=dialect,
        training_data="none",
        licence="none",
        source="random numbers",
        dialect=dialect,
    )
    save(path, {key: _numbers(rng, key, shape) for key, shape in variables.items()}, description)


def _numbers(rng: np.random.Generator, name: str, shape: Shape) -> npt.NDArray[np.float32]:
    """Such that numbers neither grow nor vanish on their way through the network."""
    if name.endswith(("/gamma", "/moving_variance")) or "/WSM" in name:
        values = rng.uniform(0.9, 1.1, shape)
    elif len(shape) == 4:
        fan_in = np.prod(shape[:2]) * (1 if name.endswith("/depthwise_kernel") else shape[2])
        values = rng.normal(0, np.sqrt(1.5 / fan_in), shape)
    else:
        values = rng.normal(0, 0.1, shape)
    return np.asarray(values, np.float32)
