"""The few boxes of each picture that suppression looks at, and what it keeps of them."""

from __future__ import annotations

from typing import NamedTuple

from detector.ops import Tensor


class Candidates(NamedTuple):
    """Boxes in input pixels, best score first: all that the families' outputs have in common."""

    xyxy: Tensor  # float32 [B, K, 4]
    score: Tensor  # float32 [B, K]
    class_id: Tensor  # int32 [B, K]


class Kept(NamedTuple):
    """What survives, best first; rows past `count` mean nothing."""

    xyxy: Tensor  # float32 [B, N, 4]
    score: Tensor  # float32 [B, N]
    class_id: Tensor  # int32 [B, N]
    count: Tensor  # int32 [B]
