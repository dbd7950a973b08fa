"""A network for other classes begins with what trained weights know of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detector.models import find_model
from detector.training.initial import starting_point
from detector.weights.description import read_description
from detector.weights.native import load
from detector.weights.random import save_random

# The classes of random weights are called `class 0` to `class 89`.
NEW = ("class 7", "heron", "class 3")


@pytest.mark.parametrize(
    ("name", "tensors", "before"),
    [
        ("efficientdet-lite0", ["class_net/class-predict/bias"], 0),
        ("efficientnet-yolov3-b0", [f"yolo/p{level}/predict/kernel" for level in (3, 4, 5)], 5),
    ],
)
def test_classes_are_kept_by_name_and_everything_else_as_it_is(
    tmp_path: Path, name: str, tensors: list[str], before: int
) -> None:
    path = tmp_path / "random.safetensors"
    save_random(path, name)
    old = read_description(path).labels
    model = find_model(name, read_description(path).dialect)
    known = load(path, model.variables(len(old))).arrays
    start = starting_point(model, name, NEW, str(path), seed=1)
    fresh = starting_point(model, name, NEW, "random", seed=1)
    for tensor in tensors:
        got, source, drawn = (
            array.reshape(*array.shape[:-1], -1, before + count)
            for array, count in (
                (start.arrays[tensor], len(NEW)),
                (known[tensor], len(old)),
                (fresh.arrays[tensor], len(NEW)),
            )
        )
        np.testing.assert_array_equal(got[..., :before], source[..., :before])
        np.testing.assert_array_equal(got[..., before], source[..., before + 7])
        np.testing.assert_array_equal(got[..., before + 1], drawn[..., before + 1])
        np.testing.assert_array_equal(got[..., before + 2], source[..., before + 3])
    stem = f"{model.spec.backbone.name}/stem/conv2d/kernel"
    np.testing.assert_array_equal(start.arrays[stem], known[stem])
