"""Trained weights as the file that the daemon takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detector.training.setup import Setup
from detector.weights.description import Description
from detector.weights.native import save


def export(path: Path, arrays: Mapping[str, npt.NDArray[np.float32]], setup: Setup) -> None:
    """Written beside and then put in place, so that a file of that name is always whole."""
    settings = setup.settings
    rule = setup.model.spec.pixels
    description = Description(
        architecture=settings.model,
        labels=setup.data.labels,
        input_size=setup.input_size,
        input_convention=f"RGB, (pixel - {rule.mean_rgb}) / {rule.std_rgb}, {rule.align}",
        training_data=settings.training_data,
        licence=settings.licence,
        source="vedette train",
        dialect=settings.chosen_dialect,
    )
    partial = path.with_suffix(".partial")
    save(partial, arrays, description, half=True)
    partial.replace(path)
