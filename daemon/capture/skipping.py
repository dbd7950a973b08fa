"""Which packets need not be decoded because no wanted picture depends on them.

What is decoded must be right: a packet is dropped only where the stream itself says that nothing
refers to it. Pure logic over packets; runs in the capture thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

_START_CODE = b"\x00\x00\x01"
_H264_SLICE, _H264_IDR = 1, 5
_H264_HARMLESS = frozenset({6, 9, 12})  # SEI, access unit delimiter, filler
_HEVC_IRAP = range(16, 24)
_REMEMBERED = 3  # intervals between keyframes that must agree
_TOLERANCE = 1.01


class Skipper:
    """Decide packet by packet, in decoding order. `tick_s` is 1 / detect.fps."""

    def __init__(
        self, codec: str, *, extradata: bytes | None, intra_only: bool, tick_s: float
    ) -> None:
        self._codec = codec
        self._length_size = _length_size(codec, extradata or b"")
        self._intra_only = intra_only
        self._tick_s = tick_s
        self._intervals_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._keyframe_s: float | None = None
        self._allowed = False

    def picture_came(self, *, interlaced: bool) -> None:
        """Packets of an interlaced stream may be single fields of a picture: all are decoded."""
        self._allowed = not interlaced

    def keyframe_came(self, data: bytes, dts_s: float | None) -> None:
        """A packet that is marked as key: learn how often decoding can start afresh."""
        if not self._starts_afresh(data):
            return
        if dts_s is not None and self._keyframe_s is not None:
            self._intervals_s.append(dts_s - self._keyframe_s)
        self._keyframe_s = dts_s

    @property
    def keyframes_only(self) -> bool:
        """True where keyframes come at least as often as pictures are wanted.

        Changes only with a keyframe, so that nothing is decoded without its references.
        """
        return (
            self._allowed
            and len(self._intervals_s) == _REMEMBERED
            and all(0 < interval_s <= self._tick_s * _TOLERANCE for interval_s in self._intervals_s)
        )

    def needless(self, data: bytes, *, early: bool) -> bool:
        """True if the packet may be dropped; `early`: the pacer does not want its picture."""
        if not self._allowed:
            return False
        if self._intra_only:
            return early
        if self.keyframes_only:
            return early or not self._starts_afresh(data)
        return early and self._is_unreferenced(data)

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
