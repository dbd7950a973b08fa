"""What a detector found in one picture: parallel arrays, validated once, in source pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_DTYPES = (np.dtype(np.float32), np.dtype(np.float32), np.dtype(np.int32))


@dataclass(frozen=True, slots=True)
class Detections:
    """`xyxy_px` float32 [N, 4] (x1, y1, x2, y2 in source pixels), `score` float32 [N] in 0..1,
    `class_id` int32 [N] indexing the detector's `labels`; best score first.

    Raises ValueError where shapes or types disagree.
    """

    xyxy_px: npt.NDArray[np.float32]
    score: npt.NDArray[np.float32]
    class_id: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        count = self.score.shape[0] if self.score.ndim == 1 else -1
        shapes = (self.xyxy_px.shape, self.score.shape, self.class_id.shape)
        if shapes != ((count, 4), (count,), (count,)):
            msg = f"arrays of detections disagree in shape: {shapes}"
            raise ValueError(msg)
        dtypes = (self.xyxy_px.dtype, self.score.dtype, self.class_id.dtype)
        if dtypes != _DTYPES:
            msg = f"arrays of detections have types {[str(dtype) for dtype in dtypes]}"
            raise ValueError(msg)

    def __len__(self) -> int:
        return int(self.score.shape[0])

    def where(self, keep: npt.NDArray[np.bool_]) -> Detections:
        """Those of them for which `keep` [N] is true, in their order; copies, which hold on to
        nothing.
        """
        chosen = keep.tolist()
        first = sum(chosen)
        if all(chosen[:first]):  # the best ones: unlike a mask, a slice keeps the interpreter
            return Detections(
                self.xyxy_px[:first].copy(),
                self.score[:first].copy(),
                self.class_id[:first].copy(),
            )
        return Detections(self.xyxy_px[keep], self.score[keep], self.class_id[keep])

    @classmethod
    def none(cls) -> Detections:
        """An answer that says: nothing there."""
        return cls(
            np.zeros((0, 4), np.float32), np.zeros((0,), np.float32), np.zeros((0,), np.int32)
        )
