"""What an HLS playlist (RFC 8216) says, as far as it must be known before FFmpeg reads it. Pure."""

from __future__ import annotations

import re
from itertools import pairwise

from daemon.capture.errors import CaptureError, Cause

MOST_PLAYLIST = 1_000_000  # bytes
BEGINS = (b"#EXTM3U", b"\xef\xbb\xbf#EXTM3U")

_MOST_LINES = 20_000
_BANDWIDTH = re.compile(r"(?:^|[:,])BANDWIDTH=([0-9]{1,12})")


def check(playlist: bytes) -> list[str]:
    """Its lines. Raises CaptureError for one that cannot be played here."""
    if not playlist.startswith(BEGINS):
        raise CaptureError(Cause.PROTOCOL, "its playlist is none of HLS")
    lines = [line.strip() for line in playlist.decode("utf-8", "replace").splitlines()]
    if len(lines) > _MOST_LINES:
        raise CaptureError(Cause.FLOOD, "its playlist has no end")
    for line in lines:
        if line.startswith("#EXT-X-KEY:") and "METHOD=NONE" not in line:
            raise CaptureError(Cause.CODEC, "its pieces are encrypted")
    return lines


def best_variant(lines: list[str]) -> str | None:
    """Of a list of streams the one that players take where nothing is short; None where this is
    a stream itself.
    """
    best: tuple[int, str] | None = None
    for said, line in pairwise(lines):
        if said.startswith("#EXT-X-STREAM-INF") and line and not line.startswith("#"):
            found = _BANDWIDTH.search(said)
            rate = int(found[1]) if found else 0
            if best is None or rate > best[0]:
                best = (rate, line)
    return None if best is None else best[1]
