"""The few boxes of each picture that non-maximum suppression looks at."""

from __future__ import annotations

from typing import NamedTuple

from detector.ops import Tensor


class Candidates(NamedTuple):
    """Boxes in input pixels, best score first: all that the families' outputs have in common."""

    xyxy: Tensor  # float32 [B, K, 4]
    score: Tensor  # float32 [B, K]
    class_id: Tensor  # int32 [B, K]
