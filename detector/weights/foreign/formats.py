"""What a file seems to be: judged by its first bytes, never by its name. Reads next to nothing."""

from __future__ import annotations

import re
import zipfile
from enum import Enum
from pathlib import Path

from config.files import open_regular
from detector.weights.description import header_length, unusable

_HEAD_BYTES = 512
_SHARD = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")


class Format(Enum):
    """`words` for people; `refusal` says why it is not read, '' where it is."""

    CHECKPOINT = "TensorFlow checkpoint", ""
    ARCHIVE = "tar archive, presumably of a TensorFlow checkpoint", ""
    HDF5 = "HDF5 file, presumably of Keras weights", ""
    NPZ = "NumPy archive", ""
    NATIVE = "safetensors file", "is a safetensors file: it needs no import"
    PICKLE = (
        "Python pickle",
        "is a Python pickle: reading it could run a program, so it is not read",
    )
    TORCH = "PyTorch file", "is a PyTorch file, a pickle: reading it could run a program"
    KERAS = "Keras archive", "is a .keras archive: save the weights as an .h5 file with TF-Keras"
    SAVED_MODEL = "SavedModel", "is a SavedModel: import the checkpoint that it was made from"
    TFLITE = "TensorFlow Lite model", "is a TensorFlow Lite model: import what it was made from"
    EMPTY = "empty file", "is empty"
    UNKNOWN = "file of an unknown kind", "is not a weights file of a kind that is known here"

    def __init__(self, words: str, refusal: str) -> None:
        self.words = words
        self.refusal = refusal


def format_of(path: Path) -> Format:
    """Raises ModelError where there is nothing that can be read."""
    if path.is_dir():
        return Format.SAVED_MODEL if (path / "saved_model.pb").exists() else Format.CHECKPOINT
    if checkpoint_prefix(path) is not None:
        return Format.CHECKPOINT
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES)
        return _by_magic(head) or _zipped(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise unusable(path, getattr(error, "strerror", None) or f"damaged ({error})") from None


def checkpoint_prefix(path: Path) -> Path | None:
    """The common start of a checkpoint's file names, if `path` is that or one of these files."""
    prefix = path.with_name(_SHARD.sub("", path.name))
    return prefix if Path(f"{prefix}.index").is_file() else None


def _by_magic(head: bytes) -> Format | None:
    """None for a zip archive, which says more further on."""
    if not head:
        return Format.EMPTY
    if head.startswith(b"PK\x03\x04"):
        return None
    if head.startswith(b"\x1f\x8b") or head[257:262] == b"ustar":
        return Format.ARCHIVE
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Format.HDF5
    if head[:1] == b"\x80" and head[1:2] <= b"\x05":
        return Format.PICKLE
    if head[4:8] == b"TFL3":
        return Format.TFLITE
    if head[8:9] == b"{" and header_length(head) < 2**32:
        return Format.NATIVE
    return Format.UNKNOWN


def _zipped(path: Path) -> Format:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.endswith("data.pkl") for name in names):
        return Format.TORCH
    if any(name.endswith(".weights.h5") for name in names):
        return Format.KERAS
    return Format.NPZ if any(name.endswith(".npy") for name in names) else Format.UNKNOWN
