"""Pictures for people who watch: drawn and encoded on demand, one at a time.

However many watch, pictures cost at most one core. Called from worker threads of the HTTP server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from daemon.annotate import annotate, encode_jpeg
from daemon.live import LiveBoard, Sight


class PictureMaker:
    """Turns sights into JPEGs. Any thread."""

    def __init__(self, board: LiveBoard, labels: Callable[[], Sequence[str]]) -> None:
        self._board = board
        self._labels = labels
        self._turn = threading.Lock()

    def jpeg(self, sight: Sight, *, max_width: int | None, boxes: bool = True) -> bytes:
        with self._turn:
            bgr = sight.picture.to_bgr(max_width)
            if boxes:
                scale = bgr.shape[1] / sight.source_wh[0]
                bgr = annotate(bgr, sight.detections, self._labels(), scale=scale)
            return encode_jpeg(bgr)

    def next_jpeg(
        self, camera: str, than: int, *, max_width: int, timeout_s: float
    ) -> tuple[int, bytes] | None:
        """Number and JPEG of a sight newer than `than`; None if none comes within `timeout_s`."""
        sight = self._board.newer(camera, than, timeout_s)
        return None if sight is None else (sight.number, self.jpeg(sight, max_width=max_width))
