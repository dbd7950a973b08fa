"""What a source hands to its camera thread, and what every source promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Protocol

from msgspec import Struct

from config.camera import CameraConfig
from daemon.books.states import StreamInfo
from daemon.capture.gate import Luma
from daemon.capture.pacer import Pacer
from daemon.clock import Clock
from daemon.pipeline.frame import Row
from daemon.seats.sight import Picture
from detector.letterbox import InputSpec, Rect

Pause = Callable[[float], bool]  # sleep that many seconds; True: stop was requested meanwhile


class Lost(Enum):
    """A frame that arrived and never became a picture."""

    EARLY = auto()  # beyond detect.fps: not decoded at all
    UNDECODABLE = auto()  # the decoder made nothing of it
    AWAITING = auto()  # came before the stream's first keyframe: nothing could be made of it yet


class Scale(Protocol):
    """Makes the detector's input of a picture or a part of it, in the capture thread."""

    def __call__(self, part: Rect | None = None) -> Row:
        """`part` is in pixels of the picture as it is seen. Raises av.FFmpegError, ValueError,
        MemoryError.
        """
        ...


class Sample(Struct, frozen=True, eq=False):
    """One picture that came out of the decoder, `wh` large as it is seen, not yet converted."""

    pts_s: float | None
    is_corrupt: bool
    picture: Picture
    scale: Scale
    wh: tuple[int, int]
    luma: Callable[[], Luma] | None = None  # the small grey picture that the gate compares
    captured_ns: int | None = None  # wall clock of the camera's own, where it tells


class Source(Protocol):
    """One open stream. Used by one thread, closed by the same."""

    @property
    def info(self) -> StreamInfo:
        """What the stream is; surest once the first sample is there."""
        ...

    def use_input(self, spec: InputSpec) -> None:
        """Whatever is scaled from now on is scaled for this input. The thread of `samples`."""
        ...

    def samples(self, pacer: Pacer) -> Iterator[Sample | Lost]:
        """Every frame that arrives, in order of presentation; ends where the stream ends.

        Frames that `pacer` calls early may come as Lost.EARLY instead of being decoded.
        Raises CaptureError.
        """
        ...

    def close(self) -> None:
        """Give everything back; may be called twice."""
        ...


class OpenSource(Protocol):
    """How a camera thread gets its source. Raises CaptureError."""

    def __call__(
        self, camera: CameraConfig, *, input_spec: InputSpec, clock: Clock, pause: Pause
    ) -> Source: ...
