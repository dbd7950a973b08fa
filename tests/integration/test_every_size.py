"""Every architecture in every dialect computes a picture of its own size."""

from __future__ import annotations

import gc
import math

import numpy as np
import numpy.typing as npt
import pytest

from detector.boxes.selection import Selection
from detector.graph.plan import Plan, stages_for
from detector.models import DIALECTS, find_model
from detector.networks.shapes import Shape

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(600)]

CLASSES = 4


def drawn(variables: dict[str, Shape]) -> dict[str, npt.NDArray[np.float32]]:
    """Weights that keep the size of what passes through them."""
    rng = np.random.default_rng(0)
    arrays = {}
    for name, shape in variables.items():
        array = np.ones(shape, np.float32)
        if name.endswith("kernel"):
            fan_in = math.prod(shape[:3]) if "depthwise" not in name else math.prod(shape[:2])
            array = rng.standard_normal(shape, np.float32) * np.float32(math.sqrt(1 / fan_in))
        elif name.endswith(("/bias", "/beta", "/moving_mean")):
            array = np.zeros(shape, np.float32)
        arrays[name] = array
    return arrays


@pytest.mark.parametrize(
    ("dialect", "name"), [(d, name) for d in ("automl", "article") for name in DIALECTS[d]]
)
def test_it_answers_with_finite_boxes(dialect: str, name: str) -> None:
    model = find_model(name, dialect)
    side = model.spec.input_size
    stages = stages_for(
        model.family(CLASSES, side),
        drawn(model.variables(CLASSES)),
        Selection(score_threshold=0, iou_threshold=1, max_detections=50),
        precision="float32",
        xla=False,
    )
    picture = np.random.default_rng(1).integers(0, 256, (1, side, side, 3), np.uint8)
    kept = Plan(stages).run(picture, np.int32([[0, 0, side, side]]))
    assert kept.count[0] == 50
    assert np.isfinite(kept.xyxy).all()
    assert ((kept.score > 0) & (kept.score <= 1)).all()
    del stages, kept
    gc.collect()
