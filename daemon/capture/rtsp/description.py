"""What a camera says of its streams (SDP, RFC 4566), and what of it FFmpeg is told. Pure functions.

FFmpeg is told of one video track, in lines that are written here: addresses, encryption and all
other tracks stay behind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.rtsp.messages import ProtocolError

_MOST_LINE = 16_384  # bytes; parameter sets of H.265 take a few hundred
_VIDEO = re.compile(r"m=video +(\d+)(?:/\d+)? +(RTP/\S+) +(\d{1,3})((?: +\d{1,3})*) *")
_TOLD = re.compile(
    r"a=(?:rtpmap|fmtp|framesize|framerate|x-framerate|x-dimensions|cliprect):[ -~]*",
    re.IGNORECASE,
)
_KNOWN_TYPES = frozenset({"26", "32", "33"})  # MJPEG, MPEG-2, MPEG-TS need no name
_KNOWN_NAMES = frozenset({"H264", "H265", "JPEG", "MP4V-ES", "MPV", "MP2T", "AV1", "VP8", "VP9"})


@dataclass(frozen=True, slots=True)
class Track:
    """One video track: where it is asked for, and the lines that describe it."""

    control: str  # as written: absolute, relative or empty
    lines: tuple[str, ...]  # m= and the attributes that FFmpeg needs

    @property
    def codec(self) -> str:
        """Its name in RTP, in capitals; empty where only a number stands for it."""
        number = self.lines[0].split()[3]
        names = (re.match(rf"a=rtpmap:{number} +([\w-]+)/", line) for line in self.lines)
        return next((found[1].upper() for found in names if found), "")

    @property
    def known(self) -> bool:
        """Whether its format is one that cameras have."""
        return self.codec in _KNOWN_NAMES or self.lines[0].split()[3] in _KNOWN_TYPES


@dataclass(frozen=True, slots=True)
class Description:
    """The tracks of a stream, and the URL that stands for all of them where it is written."""

    control: str
    tracks: tuple[Track, ...]

    @property
    def track(self) -> Track:
        """The first video track that can be decoded, else the first. Raises no_video."""
        if not self.tracks:
            raise CaptureError(Cause.NO_VIDEO)
        return next((track for track in self.tracks if track.known), self.tracks[0])


def parse(body: bytes) -> Description:
    """Raises ProtocolError for what is no description."""
    lines = [line.strip() for line in body.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line]
    if not any(line.startswith(("v=", "m=")) for line in lines):
        raise ProtocolError("its description of the stream is none")
    if any(len(line) > _MOST_LINE for line in lines):
        raise ProtocolError("its description of the stream has a line without end")
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    sections = [lines[a:b] for a, b in pairwise([*starts, len(lines)])]
    head = lines[: starts[0]] if starts else lines
    return Description(_control(head), tuple(filter(None, map(_track, sections))))


def told(track: Track, control: str) -> bytes:
    """The description that FFmpeg is given."""
    head = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
    return "\r\n".join([*head, *track.lines, f"a=control:{control}", ""]).encode()


def resolved(base: str, control: str) -> str:
    """The URL of a track. Cameras expect it to be put together as text, with a stroke between,
    even where the base ends in a query.
    """
    if "://" in control:
        return control
    if control in ("", "*"):
        return base
    return f"{base}{control}" if base.endswith("/") else f"{base}/{control}"


def _track(section: list[str]) -> Track | None:
    found = _VIDEO.fullmatch(section[0])
    if found is None:
        return None
    if "SAVP" in found[2]:
        raise CaptureError(Cause.CODEC, "its pictures are encrypted (SRTP): turn that off there")
    media = f"m=video 0 RTP/AVP {found[3]}{found[4]}"
    told_lines = [line for line in section[1:] if _TOLD.fullmatch(line)]
    return Track(_control(section), (media, *told_lines))


def _control(lines: list[str]) -> str:
    return next((line[10:].strip() for line in lines if line.lower().startswith("a=control:")), "")
