"""The EfficientNet-YOLOv3 family for the plan: its input, its network, its decoding."""

from __future__ import annotations

from detector.boxes.candidates import Candidates
from detector.boxes.preprocess import normalise
from detector.boxes.yolo_decode import decode, prior_boxes
from detector.graph.family import Outputs
from detector.letterbox import InputSpec
from detector.networks.ops import Ops, Tensor
from detector.networks.sizes import YoloSize
from detector.networks.yolov3 import forward


class YoloV3:
    """One size for `num_classes` classes; `input_size` is a multiple of 32 pixels."""

    def __init__(self, spec: YoloSize, *, num_classes: int, input_size: int) -> None:
        self._spec = spec
        self._num_classes = num_classes
        self._input_size = input_size
        self._priors = prior_boxes(input_size)

    @property
    def input_spec(self) -> InputSpec:
        return self._spec.pixels.input_spec(self._input_size)

    def normalise(self, pixels: Tensor, content_xyxy: Tensor) -> Tensor:
        """See `preprocess.normalise`."""
        return normalise(pixels, content_xyxy, self._spec.pixels)

    def outputs(self, ops: Ops[Tensor], x: Tensor) -> Outputs:
        return [forward(ops, x, self._spec, self._num_classes)]

    def candidates(self, outputs: Outputs, limit: int) -> Candidates:
        (raw,) = outputs
        return decode(raw, self._priors, num_classes=self._num_classes, limit=limit)
