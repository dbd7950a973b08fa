"""Everything that an int8 detector is made of, from weights and what was measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from detector.api import ModelError
from detector.boxes.anchors import anchor_boxes
from detector.boxes.candidates import Candidates
from detector.boxes.selection import Selection
from detector.int8.decode import Decoder, Level
from detector.int8.interpreter import NetworkRun
from detector.int8.network import Feature, LiteOps
from detector.int8.pixels import PixelCode
from detector.networks.efficientdet import forward
from detector.networks.folding import Arrays
from detector.networks.sizes import DetectorSize
from detector.weights.int8_form import Int8Form, Range

_LEAST_LOGIT = -7.0  # a score of 0.0009; what lies below need not be told apart


@dataclass(frozen=True, slots=True)
class Assembly:
    """A network as LiteRT's bytes, and what is done before and behind it."""

    model: bytes
    inputs: int
    outputs: tuple[int, ...]
    pixel_code: PixelCode
    decoder: Decoder

    def run(self, *, threads: int) -> NetworkRun:
        """Another interpreter. Raises InferenceError."""
        return NetworkRun(self.model, self.inputs, self.outputs, threads=threads)

    def candidates(self, outputs: Sequence[npt.NDArray[Any]], selection: Selection) -> Candidates:
        """Of one picture, from what the network gave, levels of logits before levels of codes."""
        levels = len(self.decoder.logits)
        classes = self.decoder.num_classes
        threshold = selection.score_threshold
        return self.decoder(
            [each.reshape(-1, classes) for each in outputs[:levels]],
            [each.reshape(-1, 4) for each in outputs[levels:]],
            threshold=min(threshold) if isinstance(threshold, tuple) else threshold,
            limit=selection.candidates,
        )


def assemble(
    spec: DetectorSize, arrays: Arrays, *, num_classes: int, input_size: int, form: Int8Form | None
) -> Assembly:
    """The network of `spec` at a side of `input_size` pixels; without a form in float32. Raises
    ModelError where feature maps were not measured.
    """
    code = PixelCode.of(spec.pixels)
    if form is None:
        ops = LiteOps(arrays)
    else:
        ranges = {name: _useful(name, *ends) for name, ends in form.ranges.items()}
        ops = LiteOps(arrays, ranges, form.kept)
    x = ops.input((1, input_size, input_size, 3), code.quantized)
    try:
        logits, codes = forward(ops, x, spec, num_classes)
    except KeyError as error:
        msg = f"the int8 form of the weights lacks {error}: `vedette weights quantize` makes one"
        raise ModelError(msg) from None
    outputs = (*logits, *codes)
    return Assembly(
        ops.model.to_bytes([x.tensor], [each.tensor for each in outputs]),
        x.tensor,
        tuple(each.tensor for each in outputs),
        code,
        Decoder(
            _levels(logits),
            _levels(codes),
            anchor_boxes(input_size, spec.levels, spec.anchor_scale),
            num_classes,
            clip_to=input_size if spec.clipped else None,
        ),
    )


def _levels(features: Sequence[Feature]) -> list[Level]:
    return [Level(each.quantized) for each in features]


def _useful(name: str, low: float, high: float) -> Range:
    """Logits of what is surely nothing take no part of the 256 steps."""
    return (
        (max(low, _LEAST_LOGIT), high)
        if name.startswith("class_net/class-predict")
        else (low, high)
    )
