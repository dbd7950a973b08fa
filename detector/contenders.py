"""What `vedette bench detector` times: the detector, its stages apart, and plain Keras beside it.

All have the same weights and do the same work, from the same pictures to the kept boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.boxes.selection import Selection
from detector.build import open_weights
from detector.graph.lanes import available_cores
from detector.graph.plain_keras import KerasOps
from detector.graph.plan import Plan, stages_for
from detector.graph.runtime import has_gpu
from detector.graph.stages import Stages
from detector.int8.contender import Int8Contender, quick_form
from detector.letterbox import InputSpec
from detector.models import Model
from detector.networks.ops import Tensor
from detector.processor import choose_precision, cpu_flags
from detector.weights.int8_form import efficientdet_of, usable_form
from detector.weights.native import Weights

Pixels = npt.NDArray[np.uint8]
Contender = Callable[[], object]

INT8 = "int8"
IN_A_CROWD = 100  # boxes per picture that suppression has to decide on


@dataclass(frozen=True, slots=True)
class Contenders:
    """One model in several precisions, by name as in `bfloat16`, and in plain Keras."""

    input_spec: InputSpec
    plain_keras: Plan
    plans: dict[str, Plan]
    stages: dict[str, Stages]
    int8: Int8Contender | None

    def on(self, pixels: Pixels) -> Iterator[tuple[str, Contender]]:
        """Functions that answer the batch once, by name: `plain_keras`, every precision, and every
        stage of it, as in `bfloat16/forward`. Each returns when its work is done.
        """
        content = _everything(pixels)
        yield "plain_keras", partial(self.plain_keras.run, pixels, content)
        for precision, plan in self.plans.items():
            yield precision, partial(plan.run, pixels, content)
            x: Sequence[Tensor] = (tf.constant(pixels), tf.constant(content))
            for name, stage in self._compiled_stages(precision):
                yield f"{precision}/{name}", partial(_finish, stage, *x)
                x = (stage(*x),)

        if self.int8 is not None:
            yield INT8, partial(self.int8.run, pixels, content)
            for name, work in self.int8.stages(pixels, content):
                yield f"{INT8}/{name}", work

    def _compiled_stages(self, precision: str) -> Iterator[tuple[str, Callable[..., Tensor]]]:
        stages = self.stages[precision]
        for stage in (stages.preprocess, stages.forward, stages.postprocess):
            jit_compile = True if stages.xla else None
            yield stage.__name__, tf.function(stage, autograph=False, jit_compile=jit_compile)


def line_up(
    name: str, weights: Path, sample: Callable[[InputSpec], Pixels], *, input_size: int | None,
    precisions: Sequence[str], max_batch: int,
) -> Contenders:  # fmt: skip
    """The architecture `name` with the `weights` file for everyone, and one score threshold: such
    that suppression has a crowd to decide on in the pictures of `sample`. Raises ModelError.
    """
    model, loaded = open_weights(weights, name=name)
    description = loaded.description
    family = model.family(len(description.labels), input_size or description.input_size)
    keras = Stages(family, KerasOps(loaded.arrays), Selection(0.0, 0.5, IN_A_CROWD))
    threshold = _score_of_last_in_crowd(keras, sample(family.input_spec))
    selection = replace(keras.selection, score_threshold=threshold)
    gpu, flags = has_gpu(), cpu_flags()
    no_int8 = usable_form(model, description)[1]
    chosen = dict.fromkeys(
        asked if asked == INT8
        else choose_precision(asked, gpu=gpu, flags=flags, no_int8=no_int8)[0]
        for asked in precisions
    )  # fmt: skip
    stages = {
        precision: stages_for(family, loaded.arrays, selection, precision=precision, xla=gpu)
        for precision in chosen
        if precision != INT8
    }
    int8 = None
    if INT8 in chosen:
        int8 = _int8(model, loaded, sample(family.input_spec), selection, max_batch=max_batch)
    return Contenders(
        family.input_spec,
        Plan(replace(keras, selection=selection)),
        {precision: Plan(each) for precision, each in stages.items()},
        stages,
        int8,
    )


def _int8(
    model: Model, weights: Weights, pictures: Pixels, selection: Selection, *, max_batch: int
) -> Int8Contender:
    """With the weights' own form, or one that is measured on the spot. Raises ModelError for the
    family that has none.
    """
    spec, side = efficientdet_of(model), pictures.shape[1]
    form = usable_form(model, weights.description)[0] or quick_form(spec, weights, side, pictures)
    cores = available_cores()
    return Int8Contender(spec, weights, side, form, selection, cores=cores, max_batch=max_batch)


def _score_of_last_in_crowd(stages: Stages, pixels: Pixels) -> float:
    def candidates(pixels: Tensor, content: Tensor) -> Tensor:
        outputs = stages.forward(stages.preprocess(pixels, content))
        return stages.family.candidates(outputs, IN_A_CROWD).score

    score = tf.function(candidates, autograph=False)(pixels, _everything(pixels))
    return float(np.median(score[:, -1]))


def _finish(stage: Callable[..., Tensor], *x: Tensor) -> None:
    """A GPU would work on after the function returned."""
    stage(*x)
    tf.test.experimental.sync_devices()


def _everything(pixels: Pixels) -> npt.NDArray[np.int32]:
    """The whole of every input is picture."""
    count, height, width, _ = pixels.shape
    return np.tile(np.array([0, 0, width, height], np.int32), (count, 1))
