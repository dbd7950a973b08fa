"""What one family of architectures brings to the common plan of preprocessing, network and NMS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from detector.boxes.candidates import Candidates
from detector.letterbox import InputSpec
from detector.networks.ops import Ops, Tensor

Outputs = Sequence[Sequence[Tensor]]  # [B, H, W, n]: per kind of output, per level


class Family(Protocol):
    """One architecture at one input size; its methods are called while a graph is traced."""

    @property
    def input_spec(self) -> InputSpec: ...

    def normalise(self, pixels: Tensor, content_xyxy: Tensor) -> Tensor:
        """The network's float32 input from pixels [B, H, W, 3] in 0..255, of which only the
        rectangle `content_xyxy` int32 [B, 4] is picture.
        """
        ...

    def outputs(self, ops: Ops[Tensor], x: Tensor) -> Outputs:
        """The network."""
        ...

    def candidates(self, outputs: Outputs, limit: int) -> Candidates:
        """Decoding: at most `limit` boxes for each picture, best first."""
        ...
