"""The networks that the others run: ours with random weights, from numbers to raw outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.boxes.selection import Selection
from detector.build import open_weights, start_tensorflow
from detector.export import PortableOps
from detector.graph.onednn import OneDnnOps
from detector.graph.plan import stages_for
from detector.graph.stages import Stages
from detector.networks.ops import Tensor
from detector.weights.random import save_random

SELECTION = Selection(0.4, 0.5, 100)


class AlwaysNarrow(OneDnnOps):
    """Never back to float32."""

    def widen(self, x: Tensor) -> Tensor:
        return x


def write_networks(model: str, folder: Path, batches: list[int], side: int | None = None) -> int:
    """`weights.safetensors`, `saved_model/`, a `batchN.tflite` for every N, and `int8.tflite`, as
    LiteRT's converter makes it, for single pictures; the input's side.
    """
    start_tensorflow()
    save_random(folder / "weights.safetensors", model)
    stages = stages_of(model, folder, "float32", PortableOps, side=side)
    side = stages.family.input_spec.width
    module = tf.Module()
    module.serve = _graph(stages, None, side)
    tf.saved_model.save(module, str(folder / "saved_model"), signatures=module.serve)
    for batch in batches:
        module.serve = _graph(stages, batch, side)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([module.serve], module)
        (folder / f"batch{batch}.tflite").write_bytes(converter.convert())
    module.serve = _graph(stages, 1, side)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.serve], module)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x] for x in calibration(side))
    (folder / "int8.tflite").write_bytes(converter.convert())
    return side


def calibration(side: int) -> list[npt.NDArray[np.float32]]:
    """What everybody measures ranges on: with random weights, speed is all that is compared."""
    rng = np.random.default_rng(1)
    return [rng.normal(0, 0.5, (1, side, side, 3)).astype(np.float32) for _ in range(4)]


def stages_of(
    model: str, folder: Path, precision: str, ops: Any = None, *, side: int | None = None
) -> Stages:
    """With the weights in `folder`, in the form that runs fastest here or as `ops` has it."""
    architecture, weights = open_weights(folder / "weights.safetensors", name=model)
    description = weights.description
    family = architecture.family(len(description.labels), side or description.input_size)
    if ops is not None:
        return Stages(family, ops(weights.arrays), SELECTION)
    return stages_for(family, weights.arrays, SELECTION, precision=precision, xla=False)


def _graph(stages: Stages, batch: int | None, side: int) -> Any:
    def serve(x: Any) -> dict[str, Any]:
        outputs = tf.nest.flatten(stages.forward(x))
        return {f"output_{number}": output for number, output in enumerate(outputs)}

    function = tf.function(serve, autograph=False)
    return function.get_concrete_function(tf.TensorSpec([batch, side, side, 3], tf.float32, "x"))
