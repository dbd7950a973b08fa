"""The EfficientDet family for the plan: its input, its network, its decoding."""

from __future__ import annotations

from detector.boxes.anchors import anchor_boxes
from detector.boxes.candidates import Candidates
from detector.boxes.decode import decode
from detector.boxes.preprocess import normalise
from detector.graph.family import Outputs
from detector.letterbox import InputSpec
from detector.networks.efficientdet import forward
from detector.networks.ops import Ops, Tensor
from detector.networks.sizes import DetectorSize


class EfficientDet:
    """One size for `num_classes` classes; `input_size` is a multiple of 32 pixels."""

    def __init__(self, spec: DetectorSize, *, num_classes: int, input_size: int) -> None:
        self._spec = spec
        self._num_classes = num_classes
        self._input_size = input_size
        self._anchors = anchor_boxes(input_size, spec.levels, spec.anchor_scale)

    @property
    def input_spec(self) -> InputSpec:
        return self._spec.pixels.input_spec(self._input_size)

    def normalise(self, pixels: Tensor, content_xyxy: Tensor) -> Tensor:
        """See `preprocess.normalise`."""
        return normalise(pixels, content_xyxy, self._spec.pixels)

    def outputs(self, ops: Ops[Tensor], x: Tensor) -> Outputs:
        return forward(ops, x, self._spec, self._num_classes)

    def candidates(self, outputs: Outputs, limit: int) -> Candidates:
        logits, codes = outputs
        return decode(
            logits,
            codes,
            self._anchors,
            num_classes=self._num_classes,
            limit=limit,
            clip_to=self._input_size if self._spec.clipped else None,
        )
