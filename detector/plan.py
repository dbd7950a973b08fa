"""A network compiled for use: normalising, forward pass, decoding and suppression in one graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from detector.family import Family
from detector.folding import FoldedOps
from detector.layers import Arrays
from detector.nms import Kept, suppress
from detector.ops import Tensor


@dataclass(frozen=True, slots=True)
class Selection:
    """Which boxes are reported: `candidates` per picture enter suppression, best first."""

    score_threshold: float
    iou_threshold: float
    max_detections: int
    candidates: int = 1024


class Plan:
    """From pixels to the boxes that are kept, in one graph that is traced once, when it is made.

    The weights are constants in it. Its batch size is open: a graph for each size would run no
    faster and would cost each time its own tracing and its own copies of the weights. XLA, used on
    GPUs, and oneDNN prepare themselves when they meet a new size, so run every size once.
    """

    def __init__(
        self, family: Family, arrays: Arrays, selection: Selection, *, precision: str, xla: bool
    ) -> None:
        self.trace_count = 0
        dtype = tf.as_dtype(precision)
        spec = family.input_spec

        def compute(pixels: Tensor, content_xyxy: Tensor) -> Kept:
            self.trace_count += 1  # happens while tracing, not while inferring
            x = tf.cast(family.normalise(pixels, content_xyxy), dtype)
            found = family.candidates(FoldedOps(arrays), x, selection.candidates)
            return suppress(
                found,
                score_threshold=selection.score_threshold,
                iou_threshold=selection.iou_threshold,
                max_detections=selection.max_detections,
                fixed_shapes=xla,
            )

        # XLA fuses well on a GPU; on a CPU its depthwise convolutions are ten times slower.
        function = tf.function(compute, autograph=False, jit_compile=True if xla else None)
        self._graph = function.get_concrete_function(
            tf.TensorSpec([None, spec.height, spec.width, 3], tf.uint8),
            tf.TensorSpec([None, 4], tf.int32),
        )

    def run(self, pixels: npt.NDArray[np.uint8], content_xyxy: npt.NDArray[np.int32]) -> Kept:
        """The kept boxes of every picture, as NumPy arrays. Raises TensorFlow's errors."""
        return Kept(
            *(x.numpy() for x in self._graph(tf.constant(pixels), tf.constant(content_xyxy)))
        )
