from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detector.api import ModelError
from detector.build import open_weights
from detector.weights.random import save_random


@pytest.mark.parametrize("name", ["efficientdet-d0", "efficientnet-yolov3-b0"])
def test_random_weights_are_a_usable_file(tmp_path: Path, name: str) -> None:
    save_random(tmp_path / "weights", name)
    _, weights = open_weights(tmp_path / "weights", name=name)
    assert len(weights.description.labels) == 90


def test_no_array_is_so_plain_that_tensorflow_could_leave_it_out(tmp_path: Path) -> None:
    save_random(tmp_path / "weights", "efficientdet-d0")
    _, weights = open_weights(tmp_path / "weights")
    for name, array in weights.arrays.items():
        assert not np.isin(array.flat[:4], (0, 1)).all(), name


def test_an_unknown_architecture_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown model nix"):
        save_random(tmp_path / "weights", "nix")
