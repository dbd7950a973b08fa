"""Pictures out of files, scaled for the detector; called by the reading thread.

UnreadableError   a file, or one picture of it, cannot be decoded
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.packet import Packet

from config.files import UnusableFileError, check_regular_file
from daemon.capture.address import FILE_OPTIONS
from daemon.capture.appearance import Appearances
from daemon.capture.gate import Luma
from daemon.capture.picture import AvPicture, small_luma
from daemon.capture.tracks import best_video
from daemon.pipeline.frame import Row
from daemon.seats.view import Wh
from detector.letterbox import InputSpec, Letterbox, Rect
from detector.pictures import PictureError, letterboxed, read_picture

Pixels = npt.NDArray[np.uint8]
DEFAULT_FPS = Fraction(25)
PartsOf = Callable[[Wh], Sequence[Rect | None]]


class UnreadableError(Exception):
    """One line without the path: the caller knows it."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: `bgr` as it is, `rows` as the detector takes it, one or several, `luma` as a
    gate does, where that was asked for. `pts` counts `time_base` and is None for a still image;
    `number` counts the frames of a video from 1.
    """

    source: Path
    bgr: Pixels
    rows: tuple[Row, ...]
    pts: int | None = None
    time_base: Fraction | None = None
    number: int = 1
    luma: Luma | None = None

    @property
    def wh(self) -> Wh:
        """Its size."""
        return self.rows[0].letterbox.source_wh

    @property
    def pts_s(self) -> float | None:
        if self.pts is None or self.time_base is None:
            return None
        return float(self.pts * self.time_base)


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video says of itself; `frames` is an estimate, 0 where it says nothing."""

    fps: Fraction
    frames: int


def read_image(path: Path, spec: InputSpec) -> Shot:
    """A still image, upright as its EXIF orientation says. Raises UnreadableError."""
    try:
        bgr = read_picture(path, upright=True)
        return Shot(path, bgr, _rows(bgr, spec, lambda _: (None,)))
    except PictureError as error:
        raise UnreadableError(str(error)) from None


def video_facts(path: Path) -> VideoFacts:
    """Raises UnreadableError where there is no video in the file."""
    try:
        with _opened(path) as container:
            stream, time_base = _video_stream(container)
            fps = stream.average_rate or DEFAULT_FPS
            length_s = (stream.duration or 0) * time_base
            return VideoFacts(fps, stream.frames or round(length_s * fps))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UnreadableError(_words(error)) from None


def read_video(
    path: Path,
    spec: InputSpec,
    *,
    fps: float | None = None,
    parts_of: PartsOf = lambda _: (None,),
    grey: bool = False,
) -> Iterator[Shot]:
    """Its pictures in order, as they are meant to be seen, with timestamps that only ever rise; no
    more than `fps` of each second, where that is said. The detector is shown `parts_of` a picture
    of its size, None for all of it; `grey` asks for the gate's picture too.

    Raises UnreadableError at the first one that is damaged.
    """
    try:
        with _opened(path) as container:
            stream, time_base = _video_stream(container)
            stream.thread_type = "AUTO"
            appearances = Appearances(stream.codec_context, sample=stream.sample_aspect_ratio)
            due = _Due(fps)
            rising = _Rising(round(1 / ((stream.average_rate or DEFAULT_FPS) * time_base)))
            for number, (packet, frame) in enumerate(_decoded(container, stream), 1):
                pts = rising.next(frame.pts)
                if not due.now(float(pts * time_base)):
                    continue
                appearance = appearances.of(frame, packet)
                luma = small_luma(frame, appearance) if grey else None
                bgr = AvPicture(frame, appearance).to_bgr()
                rows = _rows(bgr, spec, parts_of)
                yield Shot(path, bgr, rows, pts, time_base, number, luma)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UnreadableError(_words(error)) from None


def _decoded(
    container: InputContainer, stream: av.VideoStream
) -> Iterator[tuple[Packet[av.VideoStream], av.VideoFrame]]:
    for packet in container.demux(stream):
        for frame in packet.decode():
            yield packet, frame


class _Due:
    """Which pictures are taken, so that there are `fps` of them a second, or all."""

    def __init__(self, fps: float | None) -> None:
        self._every_s = 1 / fps if fps else 0.0
        self._next_s: float | None = None

    def now(self, at_s: float) -> bool:
        if self._next_s is None:
            self._next_s = at_s
        if at_s < self._next_s - 1e-6:
            return False
        late_s = at_s - self._next_s
        self._next_s = at_s + self._every_s - min(late_s, self._every_s / 2)
        return True


class _Rising:
    """Timestamps that go on where those of the file go back, as in two recordings put together."""

    def __init__(self, step: int) -> None:
        self._step = max(1, step)
        self._newest: int | None = None
        self._shift = 0

    def next(self, pts: int | None) -> int:
        usual = 0 if self._newest is None else self._newest + self._step
        shifted = usual if pts is None else pts + self._shift
        if self._newest is not None and shifted <= self._newest:
            self._shift += usual - shifted
            shifted = usual
        self._newest = shifted
        return shifted


def _opened(path: Path) -> InputContainer:
    check_regular_file(path)
    # The prefix keeps FFmpeg from reading a protocol out of a file's name.
    return av.open(f"file:{path}", options=dict(FILE_OPTIONS), metadata_errors="replace")


def _video_stream(container: InputContainer) -> tuple[av.VideoStream, Fraction]:
    """The one that is meant, and the unit of its timestamps."""
    stream = best_video(container)
    if stream is None:
        raise UnreadableError("there is no video in it")
    return stream, stream.time_base or 1 / DEFAULT_FPS


def _rows(bgr: Pixels, spec: InputSpec, parts_of: PartsOf) -> tuple[Row, ...]:
    wh = (bgr.shape[1], bgr.shape[0])
    places = [Letterbox.fit(wh, spec, part) for part in parts_of(wh)]
    return tuple(Row(letterboxed(bgr, place, spec), place) for place in places)


def _words(error: Exception) -> str:
    if isinstance(error, UnusableFileError):
        return str(error)
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
