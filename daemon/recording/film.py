"""The last seconds of one camera, in memory, and the clips that are made of them. One thread."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from config.camera import RecordConfig
from daemon.answers.annotate import Bgr, encode_jpeg
from daemon.recording.selector import CLIP_FPS

CLIP_WIDTH = 960
MEMORY_QUALITY = 85  # of the pictures that wait in memory
CONFIRMED_S = 2.0  # so much later than it came an object is known to be one
_MS = Fraction(1, 1000)
# One thread, nothing held back: what a picture costs is paid when it comes.
_X264 = {"preset": "veryfast", "tune": "zerolatency", "crf": "26", "threads": "1"}


@dataclass(slots=True, eq=False)
class _Running:
    file: _ClipFile
    over_s: float


class Film:
    """`remember` every picture, then `add` it to each clip that runs; `begin` makes a clip of those
    before and those to come. Clips have names; those of objects' lives may overlap.

    In memory are the pictures of `before_s` as JPEG: ten a second at most, 1 MB a second.
    """

    def __init__(self, config: RecordConfig) -> None:
        self._overlapping = config.of_lives
        self._before_s = config.clip.before_s + (CONFIRMED_S if self._overlapping else 0.0)
        self._past: deque[tuple[float, bytes]] = deque(maxlen=int(self._before_s * CLIP_FPS) + 1)
        self._running: dict[str, _Running] = {}

    @property
    def running(self) -> list[str]:
        """Names of the clips that run."""
        return list(self._running)

    def remember(self, bgr: Bgr, at_s: float) -> None:
        """Keep it in memory, unless it is in a clip and no other may begin."""
        if self._running and not self._overlapping:
            return
        while self._past and self._past[0][0] < at_s - self._before_s:
            self._past.popleft()
        self._past.append((at_s, encode_jpeg(bgr, MEMORY_QUALITY)))

    def begin(self, name: str, path: Path, *, since_s: float, over_s: float) -> None:
        """Write to `path` until `over_s`, beginning with what is in memory from `since_s` on.
        Raises OSError.
        """
        clip = _ClipFile(path)
        for earlier_s, jpeg in self._past:
            if earlier_s >= since_s:
                bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
                clip.add(np.asarray(bgr, np.uint8), earlier_s)
        if not self._overlapping:
            self._past.clear()
        self._running[name] = _Running(clip, over_s)

    def add(self, name: str, bgr: Bgr, at_s: float) -> None:
        """A picture of a clip that runs. Raises OSError."""
        self._running[name].file.add(bgr, at_s)

    def shorten(self, name: str, over_s: float) -> None:
        """A clip is over then, if it runs and was to go on for longer."""
        if name in self._running:
            self._running[name].over_s = min(self._running[name].over_s, over_s)

    def over(self, now_s: float) -> list[str]:
        """The clips that have all that they should hold."""
        return [name for name, clip in self._running.items() if now_s > clip.over_s]

    def end(self, name: str) -> None:
        """Close a clip; it does not run any more, even where this raises OSError."""
        self._running.pop(name).file.close()

    def forget(self, name: str) -> None:
        """Nothing will become of a clip."""
        self._running.pop(name, None)


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
