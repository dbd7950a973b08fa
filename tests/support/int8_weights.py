"""Weights with an int8 form, measured on noise and a few scenes: enough to run, not to be good."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detector.build import open_weights
from detector.int8.calibration import RangeMeter
from detector.networks.sizes import DetectorSize
from detector.weights.int8_form import Int8Form
from detector.weights.native import relabel

SIDE = 64


def pictures(count: int, side: int = SIDE, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), np.uint8)


@functools.cache
def form_of(weights: Path, side: int = SIDE, kept: tuple[str, ...] = ()) -> Int8Form:
    model, loaded = open_weights(weights)
    assert isinstance(model.spec, DetectorSize)
    meter = RangeMeter(
        model.spec, loaded.arrays, num_classes=len(loaded.description.labels), input_size=side,
        threads=1,
    )  # fmt: skip
    for pixels in pictures(8, side):
        meter.see(pixels, np.array([0, 0, side, side], np.int32))
    return Int8Form(loaded.description.sha256, side, 8, "noise", kept, meter.ranges)


def with_form(weights: Path, out: Path, form: Int8Form | None = None) -> Path:
    """A copy of the weights that brings its form, or another one."""
    _, loaded = open_weights(weights)
    text = (form or form_of(weights)).to_text()
    relabel(weights, out, replace(loaded.description, int8=text))
    return out
