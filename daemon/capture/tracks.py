"""Which stream of an open container is the video that is meant."""

from __future__ import annotations

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream


def best_video(container: InputContainer) -> VideoStream | None:
    """As FFmpeg picks it: not a cover, then by what is known of its pictures. None where there is
    none, or nothing but a cover.
    """
    best = container.streams.best("video")
    if not isinstance(best, av.VideoStream) or best.disposition & Disposition.attached_pic:
        return None
    return best
