"""A network compiled for use: normalising, forward pass, decoding and suppression in one graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.api import InferenceError
from detector.boxes.candidates import Kept
from detector.boxes.selection import Selection
from detector.graph.family import Family
from detector.graph.folding import FoldedOps
from detector.graph.lanes import Lanes
from detector.graph.layers import Arrays
from detector.graph.onednn import OneDnnOps, has_onednn
from detector.graph.runtime import lane_count
from detector.graph.stages import Stages
from detector.networks.ops import Tensor

_WHERE = ("Graph execution error", "Detected at node", "<stack traces", "[[{{node", "Hint:")


def stages_for(
    family: Family, arrays: Arrays, selection: Selection, *, precision: str, xla: bool
) -> Stages:
    """With weights as constants, in the form that runs fastest here."""
    interpreter = FoldedOps if xla or not has_onednn() else OneDnnOps
    return Stages(family, interpreter(arrays, tf.as_dtype(precision)), selection, xla)


class Plan:
    """TensorFlow's engine: from pixels to the boxes that are kept, in one graph, traced once,
    when it is made.

    The weights are constants in it. Its batch size is open: a graph for each size would run no
    faster and would cost each time its own tracing and its own copies of the weights. XLA, used on
    GPUs, and oneDNN prepare themselves when they meet a new size, so run every size once.
    """

    def __init__(self, stages: Stages) -> None:
        self.trace_count = 0
        self._lanes = Lanes(lane_count())

        def compute(pixels: Tensor, content_xyxy: Tensor) -> Kept:
            self.trace_count += 1  # happens while tracing, not while inferring
            return stages(pixels, content_xyxy)

        # XLA fuses well on a GPU; on a CPU its depthwise convolutions are ten times slower.
        jit_compile = True if stages.xla else None
        function = tf.function(compute, autograph=False, jit_compile=jit_compile)
        spec = stages.family.input_spec
        self._graph = function.get_concrete_function(
            tf.TensorSpec([None, spec.height, spec.width, 3], tf.uint8),
            tf.TensorSpec([None, 4], tf.int32),
        )

    def run(self, pixels: npt.NDArray[np.uint8], content_xyxy: npt.NDArray[np.int32]) -> Kept:
        """See `detector.engine.Engine`."""
        try:
            parts = self._lanes.run(self._answer, pixels, content_xyxy)
        except tf.errors.ResourceExhaustedError as error:
            raise InferenceError("oom", _reason(error)) from error
        except tf.errors.OpError as error:
            raise InferenceError("runtime", _reason(error)) from error
        most = max(part.score.shape[1] for part in parts)
        return Kept(
            *(
                np.concatenate([_widened(values, most) for values in values_of_parts])
                for values_of_parts in zip(*parts, strict=True)
            )
        )

    def _answer(self, pixels: npt.NDArray[np.uint8], content_xyxy: npt.NDArray[np.int32]) -> Kept:
        kept = self._graph(tf.constant(pixels), tf.constant(content_xyxy))
        return Kept(*(values.numpy() for values in kept))


def _widened(values: npt.NDArray[Any], most: int) -> npt.NDArray[Any]:
    """With room for `most` boxes per picture; `count` [B] has none of them."""
    if values.ndim == 1:
        return values
    missing = [(0, 0), (0, most - values.shape[1]), (0, 0)]
    return np.pad(values, missing[: values.ndim])


def _reason(error: tf.errors.OpError) -> str:
    """The line that says most: a graph's error begins with where, in several lines."""
    lines = (error.message or type(error).__name__).splitlines()
    told = [line for line in lines if line.strip() and not line.lstrip().startswith(_WHERE)]
    return (told or lines)[0]
