"""The last seconds of one camera, in memory, and the clip that is made of them. One thread."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from config.camera import ClipConfig
from daemon.answers.annotate import Bgr, encode_jpeg
from daemon.recording.selector import CLIP_FPS

CLIP_WIDTH = 960
MEMORY_QUALITY = 85  # of the pictures that wait in memory
_MS = Fraction(1, 1000)
# One thread, nothing held back: what a picture costs is paid when it comes.
_X264 = {"preset": "veryfast", "tune": "zerolatency", "crf": "26", "threads": "1"}


class Film:
    """Feed it every picture; `begin` makes a clip of those before and those to come.

    In memory are the pictures of `before_s` as JPEG: ten a second at most, 1 MB a second.
    """

    def __init__(self, config: ClipConfig) -> None:
        self._config = config
        self._past: deque[tuple[float, bytes]] = deque(maxlen=int(config.before_s * CLIP_FPS) + 1)
        self._clip: _ClipFile | None = None
        self._over_s = 0.0

    def add(self, bgr: Bgr, at_s: float) -> None:
        """Raises OSError where a clip runs and cannot be written."""
        if self._clip is not None:
            self._clip.add(bgr, at_s)
            return
        while self._past and self._past[0][0] < at_s - self._config.before_s:
            self._past.popleft()
        self._past.append((at_s, encode_jpeg(bgr, MEMORY_QUALITY)))

    def begin(self, path: Path, at_s: float) -> None:
        """Write to `path` from now on, beginning with what is in memory. Raises OSError."""
        self._over_s = at_s + self._config.after_s
        self._clip = _ClipFile(path)
        while self._past:
            earlier_s, jpeg = self._past.popleft()
            bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            self._clip.add(np.asarray(bgr, np.uint8), earlier_s)

    def is_over(self, now_s: float) -> bool:
        """Whether a clip runs and has all that it should hold."""
        return self._clip is not None and now_s > self._over_s

    def end(self) -> None:
        """Close the clip, if one runs. Raises OSError."""
        if self._clip is not None:
            clip, self._clip = self._clip, None
            clip.close()


class _ClipFile:
    """H.264 in MP4, each picture at its own time. Every method may raise OSError."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        self._stream: av.VideoStream | None = None
        self._began_s = 0.0
        self._last_ms = -1

    def add(self, bgr: Bgr, at_s: float) -> None:
        if self._stream is None:
            self._stream = self._open_stream(*bgr.shape[:2])
            self._began_s = at_s
        stream = self._stream
        frame = av.VideoFrame.from_ndarray(bgr, "bgr24").reformat(
            stream.width, stream.height, "yuv420p"
        )
        self._last_ms = max(self._last_ms + 1, round((at_s - self._began_s) * 1e3))
        frame.pts, frame.time_base = self._last_ms, _MS
        self._container.mux(stream.encode(frame))

    def close(self) -> None:
        with self._container:
            if self._stream is not None:
                self._container.mux(self._stream.encode())

    def _open_stream(self, height: int, width: int) -> av.VideoStream:
        stream = self._container.add_stream("libx264", rate=int(CLIP_FPS), options=_X264)
        stream.width, stream.height = width - width % 2, height - height % 2  # as 4:2:0 wants it
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = _MS
        return stream
