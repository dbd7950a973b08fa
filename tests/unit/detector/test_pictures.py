"""Pictures are judged before they are decoded, whatever their names are made of."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.picture_size import announced_size
from detector.pictures import PictureError, read_picture, read_stored

FORMATS = ("jpg", "png", "bmp", "webp", "tiff")
WH = (70, 50)


def encoded(ending: str, wh: tuple[int, int] = WH) -> bytes:
    done, data = cv2.imencode(f".{ending}", np.full((wh[1], wh[0], 3), 90, np.uint8))
    assert done
    return data.tobytes()


def big_png(side: int) -> bytes:
    """One bit for a pixel: some kilobytes that become gigabytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = zlib.compress(bytes(side // 8 + 1) * 8)  # the beginning of them
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("ending", FORMATS)
def test_the_size_is_read_from_the_head(ending: str) -> None:
    data = encoded(ending)
    assert announced_size(data) == WH
    for length in range(min(len(data), 200)):
        assert announced_size(data[:length]) in (None, WH)


def test_other_kinds_of_webp_and_bmp_and_tiff() -> None:
    lossless = cv2.imencode(
        ".webp", np.zeros((50, 70, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101]
    )[1].tobytes()
    extended = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + bytes([69, 0, 0, 49, 0, 0])
    old_bmp = b"BM" + bytes(12) + struct.pack("<IHH", 12, 70, 50)
    entries = struct.pack(">HHLHHHHLHH", 256, 3, 1, 70, 0, 257, 4, 1, 0, 50)
    tiff = b"MM\0*" + struct.pack(">LH", 8, 2) + entries
    for data in (lossless, extended, old_bmp, tiff):
        assert announced_size(data) == WH


@pytest.mark.parametrize(
    "data",
    [b"", b"text", b"RIFF\0\0\0\0WAVEfmt ", b"RIFF\0\0\0\0WEBPnone", b"\xff\xd8\xff\xda\0\2"],
)
def test_what_is_no_picture_has_no_size(data: bytes) -> None:
    assert announced_size(data) is None


@pytest.mark.parametrize("ending", FORMATS)
def test_a_name_may_hold_any_bytes(tmp_path: Path, ending: str) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9\n\x1b[2J." + ending.encode())
    path.write_bytes(encoded(ending))
    assert read_picture(path, upright=True).shape == (50, 70, 3)
    stored = read_stored(path, WH)
    assert stored is not None
    assert read_stored(path, (1, 1)) is None


def test_a_picture_of_gigabytes_is_refused_by_its_head(tmp_path: Path) -> None:
    path = tmp_path / "big.png"
    path.write_bytes(big_png(30_000))
    with pytest.raises(PictureError, match="30000x30000 is too large: at most 200 million pixels"):
        read_picture(path, upright=True)


def test_what_is_no_file_is_said_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "cut.png").write_bytes(encoded("png")[:60])
    for name, words in {
        "fifo.png": "is not a regular file",
        "empty.png": "is empty",
        "text.png": "not an image that can be decoded",
        "cut.png": "not an image that can be decoded",
        "none.png": "cannot be read: no such file or directory",
        "a\0b.png": "cannot be read: no file can have this name here",
    }.items():
        with pytest.raises(PictureError, match=words):
            read_picture(tmp_path / name, upright=False)
        assert read_stored(tmp_path / name) is None
