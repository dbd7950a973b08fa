from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from detector.boxes.selection import Selection
from detector.build import open_weights
from detector.graph.plain_keras import KerasOps
from detector.graph.plan import Plan, stages_for
from detector.graph.stages import Stages
from detector.weights.random import save_random

SIDE = 64
SELECTION = Selection(0.4, 0.5, 100)


@pytest.mark.parametrize(
    "name", ["efficientdet-lite0", "efficientdet-d0", "efficientnet-yolov3-b0"]
)
def test_keras_layers_compute_what_we_compute(name: str, tmp_path: Path) -> None:
    save_random(tmp_path / "weights", name)
    model, weights = open_weights(tmp_path / "weights")
    family = model.family(len(weights.description.labels), SIDE)
    ours = stages_for(family, weights.arrays, SELECTION, precision="float32", xla=False)
    keras = Stages(family, KerasOps(weights.arrays), SELECTION)
    x = np.random.default_rng(0).normal(0, 1, (2, SIDE, SIDE, 3)).astype(np.float32)
    for a, b in zip(*(tf.nest.flatten(stages.forward(x)) for stages in (ours, keras)), strict=True):
        assert float(tf.math.reduce_std(a)) > 0.01
        np.testing.assert_allclose(a, b, atol=1e-3)


def test_levels_share_the_layers_that_they_share_in_the_paper(tmp_path: Path) -> None:
    """Each variable exists once, and its weights are variables, not constants."""
    save_random(tmp_path / "weights", "efficientdet-lite0")
    model, weights = open_weights(tmp_path / "weights")
    family = model.family(len(weights.description.labels), SIDE)
    plan = Plan(Stages(family, KerasOps(weights.arrays), SELECTION))
    assert len(plan._graph.variables) == len(weights.arrays)
