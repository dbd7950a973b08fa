"""The orientation that a JPEG's EXIF data tells: one number of a small table. Pure functions."""

from __future__ import annotations

import struct

_APP1 = 0xE1
_SCAN_HEADER = 0xDA
_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112
_LONGEST_DIRECTORY = 256  # entries; real ones have some dozen


def exif_orientation(jpeg: bytes) -> int | None:
    """1 to 8 as EXIF numbers them; None where nothing is told, or the data is damaged."""
    try:
        tiff = _exif_of(jpeg)
        told = None if tiff is None else _orientation_of(tiff)
    except (struct.error, IndexError):
        return None
    return told if told in range(1, 9) else None


def _exif_of(jpeg: bytes) -> bytes | None:
    at = 2
    while jpeg[at] == 0xFF and jpeg[at + 1] != _SCAN_HEADER:
        if jpeg[at + 1] == 0xFF:  # padding before a marker
            at += 1
            continue
        length = struct.unpack_from(">H", jpeg, at + 2)[0]
        if jpeg[at + 1] == _APP1 and jpeg[at + 4 : at + 10] == _EXIF:
            return jpeg[at + 10 : at + 2 + length]
        at += 2 + length
    return None


def _orientation_of(tiff: bytes) -> int | None:
    order = "<" if tiff.startswith(b"II") else ">"
    at = struct.unpack_from(order + "L", tiff, 4)[0]
    entries = struct.unpack_from(order + "H", tiff, at)[0]
    for entry in range(min(entries, _LONGEST_DIRECTORY)):
        place = at + 2 + 12 * entry
        if struct.unpack_from(order + "H", tiff, place)[0] == _ORIENTATION:
            value: int = struct.unpack_from(order + "H", tiff, place + 8)[0]
            return value
    return None
