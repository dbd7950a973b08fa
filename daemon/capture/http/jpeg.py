"""The size that a JPEG says of itself, for those that no decoder is given. Pure."""

from __future__ import annotations

import struct

_FRAMES = frozenset(
    {*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
)
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_MOST_MARKERS = 1000


def size_of(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height of its first frame header; None where there is none."""
    at = 2
    try:
        for _ in range(_MOST_MARKERS):
            while jpeg[at] == 0xFF and jpeg[at + 1] == 0xFF:  # padding before a marker
                at += 1
            if jpeg[at] != 0xFF:
                return None
            marker = jpeg[at + 1]
            if marker in _FRAMES:
                height, width = struct.unpack_from(">HH", jpeg, at + 5)
                return width, height
            at += 2 if marker in _ALONE else 2 + struct.unpack_from(">H", jpeg, at + 2)[0]
    except (IndexError, struct.error):
        pass
    return None
