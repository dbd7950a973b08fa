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
from detector.graph.plain_keras import KerasOps
from detector.graph.plan import Plan, stages_for
from detector.graph.runtime import has_gpu
from detector.graph.stages import Stages
from detector.letterbox import InputSpec
from detector.networks.ops import Tensor
from detector.processor import choose_precision, cpu_flags

Pixels = npt.NDArray[np.uint8]
Contender = Callable[[], object]

_LEFT_OUT = "not compared here"
IN_A_CROWD = 100  # boxes per picture that suppression has to decide on


@dataclass(frozen=True, slots=True)
class Contenders:
    """One model in several precisions, by name as in `bfloat16`, and in plain Keras."""

    input_spec: InputSpec
    plain_keras: Plan
    plans: dict[str, Plan]
    stages: dict[str, Stages]

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

    def _compiled_stages(self, precision: str) -> Iterator[tuple[str, Callable[..., Tensor]]]:
        stages = self.stages[precision]
        for stage in (stages.preprocess, stages.forward, stages.postprocess):
            jit_compile = True if stages.xla else None
            yield stage.__name__, tf.function(stage, autograph=False, jit_compile=jit_compile)


def line_up(
    name: str, weights: Path, sample: Callable[[InputSpec], Pixels], *, input_size: int | None,
    precisions: Sequence[str],
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
    chosen = dict.fromkeys(
        choose_precision(asked, gpu=gpu, flags=flags, no_int8=_LEFT_OUT)[0] for asked in precisions
    )
    stages = {
        precision: stages_for(family, loaded.arrays, selection, precision=precision, xla=gpu)
        for precision in chosen
    }
    return Contenders(
        family.input_spec,
        Plan(replace(keras, selection=selection)),
        {precision: Plan(each) for precision, each in stages.items()},
        stages,
    )


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
