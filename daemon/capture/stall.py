"""When a camera that should be streaming has gone quiet, and since when that is worth a line.

Its own thread cannot tell: it is blocked in the read that brings nothing. Whoever looks at the
statuses once a second asks here.
"""

from __future__ import annotations

import logging

from daemon.books.states import CameraState, CameraStatus
from daemon.capture.camera_log import last_picture

log = logging.getLogger(__name__)

LONG_S = 10.0

SHORTEST_S = 1.0
_FRAMES = 3.0


def stalled(status: CameraStatus, now_s: float) -> bool:
    """True for an open stream without a new frame for longer than max(1 s, 3 frames)."""
    if not (status.state.is_up or status.state is CameraState.STALLED):
        return False
    fps = status.stream.fps if status.stream else None
    limit_s = max(SHORTEST_S, _FRAMES / fps) if fps else SHORTEST_S
    newest_s = status.since_s if status.last_frame_s is None else status.last_frame_s
    return now_s - newest_s > limit_s


class StallLog:
    """One line for each stall that lasts. The main thread, once a second for every camera."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def look(self, status: CameraStatus, now_s: float) -> None:
        """Say so once a camera is stalled for `LONG_S`."""
        newest_s = status.since_s if status.last_frame_s is None else status.last_frame_s
        if status.state is not CameraState.STALLED:
            self._told.discard(status.camera)
        elif now_s - newest_s >= LONG_S and status.camera not in self._told:
            self._told.add(status.camera)
            log.warning(
                "camera sends no pictures camera=%s state=stalled no_picture_since=%s",
                status.camera,
                last_picture(status),
            )
