"""How a stored picture is meant to be seen: which way up, mirrored or not, how wide its pixels are.

Cameras and recorders say it in a display matrix (.mp4, .mov), EXIF (JPEG), a display orientation
message (SEI of H.264 and H.265) and a sample aspect ratio. FFmpeg hands the first three on as a
matrix with the pictures. One thread per stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.packet import Packet
from av.sidedata.sidedata import SideDataContainer
from av.video.stream import VideoStream

from daemon.capture.exif import exif_orientation
from detector.letterbox import Rect

Wh = tuple[int, int]
LONGEST_SIDE_PX = 7680
_WIDEST_SAMPLE = 4.0  # a wider or narrower one is a mistake of the sender
_SQUARE = 0.01  # so near to a square, a sample is one: encoders round
_ANNOUNCED = 2  # keyframes in a row that told their orientation: from then on silence means none


@dataclass(frozen=True, slots=True)
class Orientation:
    """From the stored picture to the one that is seen: first transposed, then flipped."""

    transposed: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def of_matrix(cls, matrix: npt.NDArray[np.int32]) -> Orientation:
        """Of FFmpeg's 3×3 display matrix, row by row: x' = a·x + c·y, y' = b·x + d·y with
        a, b = [0], [1] and c, d = [3], [4]. Other angles than quarter turns are rounded to one.
        """
        a, b, c, d = (int(matrix[index]) for index in (0, 1, 3, 4))
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(transposed=True, flip_x=c < 0, flip_y=b < 0)
        return cls(flip_x=a < 0, flip_y=d < 0)

    @classmethod
    def of_exif(cls, number: int) -> Orientation:
        """Of EXIF's 1 to 8."""
        return cls(number >= 5, number in (2, 3, 6, 7), number in (3, 4, 7, 8))

    def turned(self, wh: Wh) -> Wh:
        """Stored width and height as seen; seen ones as stored."""
        return (wh[1], wh[0]) if self.transposed else wh

    def apply(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A view of the stored picture [H, W, 3] as it is seen."""
        if self.transposed:
            pixels = pixels.swapaxes(0, 1)
        return pixels[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]

    def stored(self, seen: Rect) -> Rect:
        """A rectangle in fractions of the picture as it is seen, in those of the stored one."""
        x1, y1, x2, y2 = self._flipped(seen)
        return (y1, x1, y2, x2) if self.transposed else (x1, y1, x2, y2)

    def seen(self, stored: Rect) -> Rect:
        """The way back."""
        x1, y1, x2, y2 = stored
        return self._flipped((y1, x1, y2, x2) if self.transposed else stored)

    def _flipped(self, rect: Rect) -> Rect:
        x1, y1, x2, y2 = rect
        if self.flip_x:
            x1, x2 = 1 - x2, 1 - x1
        return (x1, 1 - y2, x2, 1 - y1) if self.flip_y else (x1, y1, x2, y2)

    def __str__(self) -> str:
        """Empty for a picture that is stored as it is seen."""
        mirrored = self.transposed ^ self.flip_x ^ self.flip_y
        degrees = _CLOCKWISE[self.transposed, self.flip_x, self.flip_y]
        words = ["mirrored"] if mirrored else []
        return " and ".join(words + ([f"turned by {degrees}°"] if degrees else []))


_side_data_of = cast("Callable[[av.VideoFrame], Mapping[str, object]]", SideDataContainer)
_CLOCKWISE = {  # degrees of the turn that follows mirroring left and right, if there is any
    (False, False, False): 0,
    (False, True, False): 0,
    (False, False, True): 180,
    (False, True, True): 180,
    (True, True, False): 90,
    (True, False, True): 270,
    (True, False, False): 270,
    (True, True, True): 90,
}
AS_STORED = Orientation()
_OF_TURNS = (  # by counter-clockwise quarter turns
    AS_STORED,
    Orientation(transposed=True, flip_y=True),
    Orientation(flip_x=True, flip_y=True),
    Orientation(transposed=True, flip_x=True),
)


@dataclass(frozen=True, slots=True)
class Appearance:
    """One picture as it is seen: `shown_wh` in square pixels, upright; boxes refer to that."""

    shown_wh: Wh
    orientation: Orientation = AS_STORED

    @classmethod
    def plain(cls, frame: av.VideoFrame) -> Appearance:
        """As it is stored."""
        return cls((frame.width, frame.height))


class Appearances:
    """Says of every picture of one stream, in order of presentation, how it is meant to be seen.

    An orientation that comes with a picture holds until another one comes: senders tell it with the
    first keyframe or with each, and players keep it. `sample` is what the container says of the
    samples' shape; `aspect` is that of the picture as seen, from the configuration, and overrules
    what the stream says.
    """

    def __init__(
        self,
        codec: av.VideoCodecContext,
        *,
        sample: Fraction | None = None,
        aspect: Fraction | None = None,
    ) -> None:
        self._codec = codec
        self._aspect = aspect
        # What the container says holds for the size that it was said of.
        self._opened_wh = (codec.width, codec.height)
        self._sample = sample
        self._orientation = AS_STORED
        self._told = 0  # keyframes in a row that told an orientation
        self._stored_wh = self._opened_wh
        self.newest = Appearance(self._opened_wh)

    def of(self, frame: av.VideoFrame, packet: Packet[VideoStream]) -> Appearance:
        """Of the next picture, which came when `packet` was decoded."""
        wh = (frame.width, frame.height)
        if wh != self._stored_wh:
            self._stored_wh, self._orientation, self._told = wh, AS_STORED, 0
        self._turn(frame, packet)
        shown_wh = self._orientation.turned(_squared(wh, self._sample_aspect(wh)))
        if self.newest.shown_wh != shown_wh or self.newest.orientation != self._orientation:
            self.newest = Appearance(shown_wh, self._orientation)
        return self.newest

    def _turn(self, frame: av.VideoFrame, packet: Packet[VideoStream]) -> None:
        told = self._told_by(frame, packet)
        if told is not None:
            self._orientation = told
        if frame.key_frame:
            if told is None and self._told >= _ANNOUNCED:
                self._orientation = AS_STORED
            self._told = 0 if told is None else self._told + 1

    def _told_by(self, frame: av.VideoFrame, packet: Packet[VideoStream]) -> Orientation | None:
        try:
            # Not `frame.side_data`: the frame keeps that, and it the frame. Such a circle, and the
            # picture with it, stays in memory until the garbage collector looks for it.
            matrix = _side_data_of(frame).get("DISPLAYMATRIX")
        except ValueError:
            # PyAV refuses all side data for one kind that it does not know, as FFmpeg's EXIF.
            return self._told_otherwise(frame, packet)
        if matrix is None:
            return None
        numbers = np.frombuffer(memoryview(cast("av.buffer.Buffer", matrix)), np.int32)
        return Orientation.of_matrix(numbers)

    def _told_otherwise(
        self, frame: av.VideoFrame, packet: Packet[VideoStream]
    ) -> Orientation | None:
        if self._codec.codec.canonical_name == "mjpeg":
            number = exif_orientation(bytes(packet))
            return None if number is None else Orientation.of_exif(number)
        return _OF_TURNS[round(frame.rotation / 90) % 4] if frame.rotation else None

    def _sample_aspect(self, stored_wh: Wh) -> float:
        """Width of a sample in its heights."""
        if self._aspect is not None:
            aspect = 1 / self._aspect if self._orientation.transposed else self._aspect
            return float(aspect) * stored_wh[1] / stored_wh[0]
        said = self._sample if stored_wh == self._opened_wh else None
        sample = float(said or self._codec.sample_aspect_ratio or 1)
        is_believable = 1 / _WIDEST_SAMPLE <= sample <= _WIDEST_SAMPLE
        return sample if is_believable and abs(sample - 1) > _SQUARE else 1.0


def _squared(wh: Wh, sample: float) -> Wh:
    """The size in square pixels: the side that is too short grows, so that nothing is lost, unless
    the picture became larger than what is decoded at all.
    """
    width, height = wh
    if sample == 1.0:
        return wh
    wide, high = round(width * sample), round(height / sample)
    grows_wide = sample > 1.0
    if max(wide if grows_wide else width, height if grows_wide else high) > LONGEST_SIDE_PX:
        grows_wide = not grows_wide
    return (max(1, wide), height) if grows_wide else (width, max(1, high))
