"""Which packets need not be decoded because no wanted picture depends on them.

What is decoded must be right: a packet is dropped only where the stream itself says that nothing
refers to it. Pure logic over packets; runs in the capture thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum, auto

Data = bytes | memoryview
_START_CODE = b"\x00\x00\x01"
_H264_SLICE, _H264_IDR = 1, 5
_H264_HARMLESS = frozenset({6, 9, 12})  # SEI, access unit delimiter, filler
_HEVC_IRAP = range(16, 24)
_REMEMBERED = 3  # intervals between keyframes that must agree
_TOLERANCE = 1.01
_MOST_HELD = 8_000_000  # bytes between two keyframes; more is decoded as it comes
_OVERHEAD = 1000  # bytes of memory for a packet, beside its data


class Verdict(Enum):
    """What is to be done with a packet."""

    DECODE = auto()  # after everything else that was decoded
    ALONE = auto()  # a keyframe, of which the decoder shall keep nothing back
    SKIP = auto()  # no wanted picture refers to it
    BEGIN = auto()  # a keyframe that nobody wants: kept, as the next ones may need it
    HOLD = auto()  # not needed while keyframes come as before: kept until the next one
    RESUME = auto()  # they do not: what was kept, from the keyframe on, is decoded before this


class Skipper:
    """Decide packet by packet, in decoding order. `tick_s` is 1 / detect.fps.

    Where keyframes come as often as pictures are wanted, nothing else is decoded. That rhythm is
    of the past: a picture that is wanted more than a tick after the newest keyframe is decoded
    from that keyframe on, so that a stream whose keyframes cease (a "smart codec") is answered
    all the same.
    """

    def __init__(
        self, codec: str, *, extradata: bytes | None, intra_only: bool, tick_s: float
    ) -> None:
        self._codec = codec
        self._length_size = _length_size(codec, extradata or b"")
        self._intra_only = intra_only
        self._longest_s = tick_s * _TOLERANCE
        self._intervals_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._keyframe_s: float | None = None
        self._keyframe_came_s = 0.0
        self._held_bytes: int | None = None  # since the newest keyframe; None: all is decoded
        self._allowed = False

    def picture_came(self, *, interlaced: bool) -> None:
        """Packets of an interlaced stream may be single fields of a picture: all are decoded."""
        self._allowed = not interlaced

    def judge(
        self, data: Data, *, dts_s: float | None, now_s: float, is_key: bool, early: bool
    ) -> Verdict:
        """`early`: the pacer does not want its picture."""
        starts = is_key and self._starts_afresh(bytes(data))
        if starts:
            self._learn(dts_s, now_s)
            if self._allowed and self._rhythm:
                self._held_bytes = len(data) + _OVERHEAD
                return Verdict.BEGIN if early else Verdict.ALONE
            self._held_bytes = None
        elif self._held_bytes is not None:
            self._held_bytes += len(data) + _OVERHEAD
            broken = not early and self._overdue(dts_s, now_s)
            if not broken and self._allowed and self._held_bytes <= _MOST_HELD:
                return Verdict.HOLD
            return self.resume()
        if early and self._allowed and self.unreferenced(data):
            return Verdict.SKIP
        return Verdict.DECODE

    def resume(self) -> Verdict:
        """From now on all is decoded, until keyframes have a rhythm again."""
        self._intervals_s.clear()
        held, self._held_bytes = self._held_bytes is not None, None
        return Verdict.RESUME if held else Verdict.DECODE

    def unreferenced(self, data: Data) -> bool:
        """True if no other picture refers to this one."""
        return self._intra_only or self._is_unreferenced(bytes(data))

    def _learn(self, dts_s: float | None, now_s: float) -> None:
        if dts_s is not None and self._keyframe_s is not None:
            self._intervals_s.append(dts_s - self._keyframe_s)
        self._keyframe_s, self._keyframe_came_s = dts_s, now_s

    @property
    def _rhythm(self) -> bool:
        """True where keyframes came at least as often as pictures are wanted."""
        return len(self._intervals_s) == _REMEMBERED and all(
            0 < interval_s <= self._longest_s for interval_s in self._intervals_s
        )

    def _overdue(self, dts_s: float | None, now_s: float) -> bool:
        """By the stream's own time, or by the clock where that stands still."""
        since_s = self._keyframe_s
        if dts_s is None or since_s is None or not 0 <= dts_s - since_s <= self._longest_s:
            return True
        return now_s - self._keyframe_came_s > 2 * self._longest_s

    def _starts_afresh(self, data: bytes) -> bool:
        """True if decoding can start here; a recovery point (intra refresh) is not enough."""
        if self._codec == "h264":
            kinds = (header & 31 for header in self._headers(data))
            return (
                next((kind for kind in kinds if _H264_SLICE <= kind <= _H264_IDR), 0) == _H264_IDR
            )
        if self._codec == "hevc":
            kinds = (header >> 1 & 63 for header in self._headers(data))
            return next((kind for kind in kinds if kind < 32), 0) in _HEVC_IRAP
        return False

    def _is_unreferenced(self, data: bytes) -> bool:
        """An H.264 picture with nal_ref_idc 0 and no parameter sets in front of it."""
        if self._codec != "h264":
            return False
        for header in self._headers(data):
            kind = header & 31
            if kind == _H264_SLICE:
                return header >> 5 & 3 == 0
            if kind not in _H264_HARMLESS:
                return False
        return False

    def _headers(self, data: bytes) -> Iterator[int]:
        """First byte of every NAL unit."""
        at = 0
        if self._length_size:
            while at + self._length_size < len(data):
                size = int.from_bytes(data[at : at + self._length_size], "big")
                yield data[at + self._length_size]
                at += self._length_size + size
            return
        while (at := data.find(_START_CODE, at) + len(_START_CODE)) >= len(_START_CODE):
            if at < len(data):
                yield data[at]


def _length_size(codec: str, extradata: bytes) -> int:
    """Bytes of the length before each NAL unit (avcC, hvcC); 0 where start codes part them."""
    place = {"h264": 4, "hevc": 21}.get(codec)
    if place is None or len(extradata) <= place or extradata[0] != 1:
        return 0
    return (extradata[place] & 3) + 1
