"""The three stages of a detector, from pixels to kept boxes: traced together by `plan`."""

from __future__ import annotations

from dataclasses import dataclass

from detector.boxes.candidates import Kept
from detector.boxes.selection import Selection
from detector.graph.family import Family, Outputs
from detector.networks.ops import Ops, Tensor


@dataclass(frozen=True, slots=True)
class Stages:
    """Called while a graph is traced; `xla` says what will compile it."""

    family: Family
    ops: Ops[Tensor]
    selection: Selection
    xla: bool = False

    def preprocess(self, pixels: Tensor, content_xyxy: Tensor) -> Tensor:
        """The network's input from uint8 [B, H, W, 3] and the pictures' places int32 [B, 4]."""
        return self.family.normalise(pixels, content_xyxy)

    def forward(self, x: Tensor) -> Outputs:
        return self.family.outputs(self.ops, x)

    def postprocess(self, outputs: Outputs) -> Kept:
        found = self.family.candidates(outputs, self.selection.candidates)
        return self.selection(found, fixed_shapes=self.xla)

    def __call__(self, pixels: Tensor, content_xyxy: Tensor) -> Kept:
        return self.postprocess(self.forward(self.preprocess(pixels, content_xyxy)))
