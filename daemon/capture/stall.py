"""When a camera that should be streaming has gone quiet.

Its own thread cannot tell: it is blocked in the read that brings nothing. Whoever looks at the
statuses once a second asks here.
"""

from __future__ import annotations

from daemon.books.states import CameraState, CameraStatus

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
