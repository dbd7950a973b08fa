"""The size of a picture from its first bytes: many thousands a second, nothing is decoded."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from config.files import open_regular
from detector.pictures import PictureError, read_picture

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # tables and extensions
_SCAN_HEADER = 0xDA


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height as stored: an orientation in EXIF is not applied. Raises PictureError, also
    for a file that ends too early. Formats other than JPEG and PNG are decoded.
    """
    try:
        with open_regular(path) as file:
            head = file.read(24)
            if not head:
                raise PictureError("is empty")
            if head.startswith(_JPEG):
                width, height = _jpeg_size(file)
            elif head.startswith(_PNG):
                width, height = _png_size(file, head)
            else:
                width, height = _decoded_size(path)
    except FileNotFoundError:
        raise PictureError("does not exist") from None
    except OSError as error:
        msg = f"cannot be read: {error.strerror}"
        raise PictureError(msg) from None
    if not width or not height:
        raise PictureError("is damaged: it has no pixels")
    return width, height


def _jpeg_size(file: BinaryIO) -> tuple[int, int]:
    file.seek(2)
    while len(segment := file.read(4)) == 4 and segment[0] == 0xFF:
        code, length = struct.unpack(">xBH", segment)
        if code == 0xFF:  # padding before a marker
            file.seek(-3, os.SEEK_CUR)
        elif code in _FRAME_HEADERS and len(frame := file.read(5)) == 5:
            _, height, width = struct.unpack(">BHH", frame)
            if not _jpeg_ends(file):
                raise PictureError("is truncated")
            return width, height
        elif code == _SCAN_HEADER or length < 2:
            break
        else:
            file.seek(length - 2, os.SEEK_CUR)
    raise PictureError("is damaged: a JPEG without a frame header")


def _jpeg_ends(file: BinaryIO) -> bool:
    """Some cameras write their own things behind the end."""
    frame_at = file.tell()
    file.seek(-2, os.SEEK_END)
    if file.read() == _JPEG_END:
        return True
    file.seek(frame_at)
    return _JPEG_END in file.read()


def _png_size(file: BinaryIO, head: bytes) -> tuple[int, int]:
    file.seek(max(0, os.fstat(file.fileno()).st_size - 12))
    if b"IEND" not in file.read():
        raise PictureError("is truncated")
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def _decoded_size(path: Path) -> tuple[int, int]:
    pixels = read_picture(path, upright=False)
    return pixels.shape[1], pixels.shape[0]
