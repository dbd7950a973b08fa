"""What one family of architectures brings to the common plan of preprocessing, network and NMS."""

from __future__ import annotations

from typing import Protocol

from detector.candidates import Candidates
from detector.letterbox import InputSpec
from detector.ops import Ops, Tensor


class Family(Protocol):
    """One architecture at one input size; its methods are called while a graph is traced."""

    @property
    def input_spec(self) -> InputSpec: ...

    def normalise(self, pixels: Tensor, content_xyxy: Tensor) -> Tensor:
        """The network's float32 input from pixels [B, H, W, 3] in 0..255, of which only the
        rectangle `content_xyxy` int32 [B, 4] is picture.
        """
        ...

    def candidates(self, ops: Ops[Tensor], x: Tensor, limit: int) -> Candidates:
        """Network and decoding: at most `limit` boxes for each input picture."""
        ...
