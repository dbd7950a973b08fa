"""The size that a picture in memory announces, before anything of it is decoded.

JPEG, PNG, BMP, WebP and TIFF: what `vedette detect` and data sets take.
"""

from __future__ import annotations

import struct

Wh = tuple[int, int]

_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # tables and extensions
_SCAN_HEADER = 0xDA
_CORE_BMP = 12  # bytes of the oldest header, whose sizes have 16 bits
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_FORMATS = {1: "B", 3: "H", 4: "L"}


def announced_size(data: bytes) -> Wh | None:
    """Width and height as stored; None for what is none of these formats, or no whole header."""
    try:
        for magic, read in _READERS:
            if data.startswith(magic):
                return read(data)
    except (struct.error, IndexError):
        pass
    return None


def _png(data: bytes) -> Wh:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _jpeg(data: bytes) -> Wh | None:
    at = 2
    while data[at] == 0xFF:
        code = data[at + 1]
        if code == 0xFF:  # padding before a marker
            at += 1
            continue
        if code in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        length = struct.unpack_from(">H", data, at + 2)[0]
        if code == _SCAN_HEADER or length < 2:
            return None
        at += 2 + length
    return None


def _bmp(data: bytes) -> Wh:
    is_old = struct.unpack_from("<I", data, 14)[0] == _CORE_BMP
    width, height = struct.unpack_from("<HH" if is_old else "<ii", data, 18)
    return abs(width), abs(height)  # a negative height counts rows from the top


def _webp(data: bytes) -> Wh | None:
    if data[8:12] != b"WEBP":
        return None
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        return width, int.from_bytes(data[27:30], "little") + 1
    return None


def _tiff(data: bytes) -> Wh | None:
    order = "<" if data.startswith(b"II") else ">"
    at = struct.unpack_from(order + "L", data, 4)[0]
    sides: dict[int, int] = {}
    for entry in range(struct.unpack_from(order + "H", data, at)[0]):
        tag, kind = struct.unpack_from(order + "HH", data, at + 2 + 12 * entry)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT) and kind in _TIFF_FORMATS:
            value = struct.unpack_from(order + _TIFF_FORMATS[kind], data, at + 10 + 12 * entry)
            sides[tag] = value[0]
    if len(sides) < 2:
        return None
    return sides[_TIFF_WIDTH], sides[_TIFF_HEIGHT]


_READERS = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8\xff", _jpeg),
    (b"BM", _bmp),
    (b"RIFF", _webp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)
