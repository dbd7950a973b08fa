"""Takes a checkpoint out of a tar archive that nobody vouches for.

Only the files of a checkpoint are written, under their last name into one folder; links, devices,
paths that lead elsewhere and archives that unpack to more than they should are refused.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from config.files import open_regular
from detector.weights.description import unusable
from detector.weights.foreign.tensors import MAX_BYTES

_WANTED = re.compile(r"(?!\.)(checkpoint|.+\.index|.+\.data-\d{5}-of-\d{5})")
_MAX_MEMBERS = 1000
_CHUNK_BYTES = 1024**2


def unpack_checkpoint(path: Path, folder: Path) -> None:
    """Write the files of the checkpoint in `path` into `folder`. Raises ModelError, and OSError
    where the disk is full.
    """
    try:
        with open_regular(path) as packed:
            gzipped = packed.read(2) == b"\x1f\x8b"
            packed.seek(0)
            stream = _Bounded(gzip.GzipFile(fileobj=packed) if gzipped else packed)
            with tarfile.open(fileobj=stream, mode="r:") as archive:  # type: ignore[call-overload]
                _unpack(archive, folder)
            stream.drain()  # gzip checks its sum at the end
    except _RefusedError as refusal:
        raise unusable(path, str(refusal)) from None
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
        raise unusable(path, f"damaged archive ({error})") from None


class _RefusedError(Exception):
    """Why an archive is not unpacked any further."""


class _Bounded:
    """A file for `tarfile` that neither gives more than MAX_BYTES nor much of it at once: a header
    may claim any length, and `tarfile` reads headers whole.
    """

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _CHUNK_BYTES:
            raise _RefusedError("holds a header of more than 1 MiB")
        self._check(self._file.tell() + size)
        return self._file.read(size)

    def seek(self, offset: int) -> int:
        self._check(offset)
        return self._file.seek(offset)

    def tell(self) -> int:
        return self._file.tell()

    def drain(self) -> None:
        while self.read(_CHUNK_BYTES):
            pass

    def _check(self, end: int) -> None:
        if end > MAX_BYTES + _CHUNK_BYTES:
            msg = f"unpacks to more than {MAX_BYTES} bytes"
            raise _RefusedError(msg)


def _unpack(archive: tarfile.TarFile, folder: Path) -> None:
    written: set[str] = set()
    for count, member in enumerate(archive, start=1):
        _check_member(member, count)
        name = PurePosixPath(member.name).name
        if not member.isreg() or not _WANTED.fullmatch(name):
            continue
        if name in written:
            msg = f"holds several files named {name!r}"
            raise _RefusedError(msg)
        written.add(name)
        content = archive.extractfile(member)
        if content is not None:
            with (folder / name).open("xb") as file:
                shutil.copyfileobj(content, file)  # says so where the archive ends too early


def _check_member(member: tarfile.TarInfo, count: int) -> None:
    fault = None
    path = PurePosixPath(member.name)
    if count > _MAX_MEMBERS:
        fault = f"holds more than {_MAX_MEMBERS} files"
    elif path.is_absolute() or ".." in path.parts:
        fault = f"holds a file with a path that leads out of it, {member.name!r}"
    elif not (member.isreg() or member.isdir()) or member.issparse():
        fault = f"holds {member.name!r}, which is neither a file nor a folder"
    elif member.size > MAX_BYTES:
        fault = f"unpacks to more than {MAX_BYTES} bytes"
    if fault is not None:
        raise _RefusedError(fault)
