"""Weights files, by `vedette detect --weights` and `vedette weights import`. What could be executed
leaves a folder behind if it ever is.
"""

from __future__ import annotations

import json
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
from safetensors.numpy import save as to_bytes

from detector.weights.bundled import resolve
from detector.weights.description import Description, read_description
from detector.weights.native import save
from tests.bad_inputs.case import Case, Ended, command, process
from tests.support import foreign_weights as foreign
from tests.support.daemon_process import free_port

_SONG = "the-canary-sang"
_HUGE = 3 * 1024**3


class _Canary:
    """Leaves a folder behind when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._song = folder / _SONG

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._song),)


def _used(write: Callable[[Path], object]) -> Callable[[Path], Ended]:
    def attempt(folder: Path) -> Ended:
        file, picture, out = folder / "w.safetensors", folder / "picture.png", folder / "out"
        write(file)
        cv2.imwrite(str(picture), np.zeros((8, 8, 3), np.uint8))
        ended = command("detect", str(picture), "-o", str(out), "--weights", str(file))
        assert not out.exists(), "something was written"
        return _unsung(folder, ended)

    return attempt


def _of_another_digest(folder: Path) -> Ended:
    file = folder / "c.yaml"
    model = {"sha256": "0" * 64}
    cameras = {"a": {"url": "synthetic://a"}}
    sinks = {"zeromq": {"bind": f"ipc://{folder}/socket"}}
    http = {"listen": f"127.0.0.1:{free_port()}"}
    written = {"version": 1, "model": model, "cameras": cameras, "sinks": sinks, "http": http}
    file.write_text(json.dumps(written))
    return process("run", str(file))


def _imported(name: str, write: Callable[[Path], object], *options: str) -> Callable[[Path], Ended]:
    def attempt(folder: Path) -> Ended:
        source, out = folder / name, folder / "out.safetensors"
        write(source)
        ended = command("weights", "import", str(source), "-o", str(out), *options)
        assert not out.exists(), "something was written"
        return _unsung(folder, ended)

    return attempt


def _unsung(folder: Path, ended: Ended) -> Ended:
    assert not (folder / _SONG).exists(), "the file was executed"
    return ended


def _bundled() -> bytearray:
    return bytearray(resolve("efficientdet-lite0", "bundled").read_bytes())


def _truncated(file: Path) -> None:
    file.write_bytes(_bundled()[: 2**20])


def _one_bit_less(file: Path) -> None:
    data = _bundled()
    data[-3] ^= 1
    file.write_bytes(data)


def _sparse(file: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(_HUGE)


def _described(
    change: Callable[[Description, dict[str, Any]], Description],
) -> Callable[[Path], None]:
    """Numbers of a small detector, with something wrong about them, and a digest that is right."""

    def write(file: Path) -> None:
        about = read_description(resolve("efficientdet-lite0", "bundled"))
        arrays = foreign.random_arrays(num_classes=len(about.labels))
        save(file, arrays, change(about, arrays))

    return write


def _with_nan(about: Description, arrays: dict[str, Any]) -> Description:
    arrays["class_net/class-predict/bias"][0] = np.nan
    return about


def _without_one(about: Description, arrays: dict[str, Any]) -> Description:
    del arrays["class_net/class-predict/bias"]
    return about


def _with_one_more(about: Description, arrays: dict[str, Any]) -> Description:
    arrays["os/system"] = np.zeros(1, np.float32)
    return about


def _with_fewer_labels(about: Description, _: dict[str, Any]) -> Description:
    return replace(about, labels=about.labels[:2], thresholds=(), groups=())


def _of_an_unknown_architecture(about: Description, _: dict[str, Any]) -> Description:
    return replace(about, architecture="../../etc/passwd")


def _zip(member: str, content: Callable[[Path], bytes]) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(member, content(file.parent))

    return write


def _objects(file: Path) -> None:
    with file.open("wb") as opened:
        np.savez(opened, **{"a/bias": np.array([_Canary(file.parent)], dtype=object)})


def _bomb(file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"")
        archive.infolist()[0].file_size = _HUGE  # as the directory will claim


def _declared_huge(file: Path) -> None:
    with h5py.File(file, "w") as opened:
        opened.create_dataset("a/a/kernel:0", (2**40,), np.float32, chunks=(1024,))


def _kept_elsewhere(file: Path) -> None:
    external = [("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
    with h5py.File(file, "w") as opened:
        opened.create_dataset("a/b:0", (4,), np.float32, external=external)


def _tar(name: str, kind: bytes = tarfile.REGTYPE) -> Callable[[Path], object]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    return lambda file: foreign.write_hostile_tar(file, member, b"x" * (kind == tarfile.REGTYPE))


def _pickled(folder: Path) -> bytes:
    return pickle.dumps(_Canary(folder))


_USED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda _: None, "No such file or directory"),
    "a folder": (lambda file: file.mkdir(), "Is a directory"),
    "an empty file": (lambda file: file.touch(), "not a safetensors file"),
    "a text": (lambda file: file.write_text("no weights"), "not a safetensors file"),
    "a Python pickle": (
        lambda file: file.write_bytes(_pickled(file.parent)),
        "not a safetensors file",
    ),
    "the first megabyte of good weights": (_truncated, "damaged"),
    "good weights with one bit changed": (_one_bit_less, "do not match the SHA-256"),
    "a header that claims 16 EiB": (
        lambda f: f.write_bytes(b"\xff" * 8 + b"{}"),
        "not a safetensors file",
    ),
    "tensors without a description": (
        lambda f: f.write_bytes(to_bytes({"a": np.zeros(1, np.float32)})),
        "with a description of its model",
    ),
    "three gigabytes of nothing": (_sparse, "not a safetensors file"),
    "a NaN": (_described(_with_nan), "NaN"),
    "a tensor too few": (_described(_without_one), "lacks tensor"),
    "a tensor too many": (_described(_with_one_more), "unknown tensor os/system"),
    "fewer labels than classes": (_described(_with_fewer_labels), "has shape"),
    "an architecture that is a path": (_described(_of_an_unknown_architecture), "../../etc/passwd"),
}
_IMPORT: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "an .npz of Python objects": ("w.npz", _objects, "holds Python objects, a pickle: not read"),
    "an .npz that unpacks to 3 GiB": ("w.npz", _bomb, "unpacks to more than"),
    "a PyTorch file": ("w.pt", _zip("archive/data.pkl", _pickled), "is a PyTorch file, a pickle"),
    "a .keras archive with a Lambda": (
        "w.keras",
        _zip("model.weights.h5", lambda _: b'{"class_name": "Lambda"}'),
        "is a .keras archive",
    ),
    "an .h5 that declares 4 TiB": ("w.h5", _declared_huge, "declares tensors of more than"),
    "an .h5 with numbers in /etc/passwd": ("w.h5", _kept_elsewhere, "is kept in another file"),
    "a TensorFlow Lite model": (
        "w.tflite",
        lambda file: file.write_bytes(b"\x1c\0\0\0TFL3"),
        "is a TensorFlow Lite model",
    ),
    "a tar with a file that leads out of it": (
        "w.tar.gz",
        _tar("../model.index"),
        "leads out of it",
    ),
    "a tar with a symbolic link": (
        "w.tar.gz",
        _tar("model.index", tarfile.SYMTYPE),
        "neither a file nor a folder",
    ),
    "a tar with a device": (
        "w.tar.gz",
        _tar("model.index", tarfile.CHRTYPE),
        "neither a file nor a folder",
    ),
}


def _cases() -> Iterator[Case]:
    for given, (write, saying) in _USED.items():
        yield Case(given, _used(write), "exit 69", saying)
    yield Case("weights of another SHA-256 (`run`)", _of_another_digest, "exit 69", "SHA-256 is")
    for given, (name, read_from, saying) in _IMPORT.items():
        yield Case(given, _imported(name, read_from), "exit 69", saying)


CASES = tuple(_cases())
