"""Files that are damaged, pretend, or attack: one line says why they are refused."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from detector.weights.foreign import archive, hdf5
from detector.weights.foreign.tensors import MAX_BYTES
from tests.support import foreign_weights as foreign
from tests.support.weights_command import Import

BIAS = "class_net/class-predict/bias"


class Canary:
    """Leaves a folder behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def as_pickle(path: Path, canary: Canary) -> None:
    path.write_bytes(pickle.dumps(canary))


def as_objects_in_npz(path: Path, canary: Canary) -> None:
    with path.open("wb") as file:
        np.savez(file, **{BIAS: np.array([canary], dtype=object)})


def as_pytorch(path: Path, canary: Canary) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(canary))


def as_tar(path: Path, canary: Canary) -> None:
    data = pickle.dumps(canary)
    member = tarfile.TarInfo("model.data-00000-of-00001")
    foreign.write_hostile_tar(path, member, data)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (as_pickle, "is a Python pickle: reading it could run a program, so it is not read"),
        (as_objects_in_npz, f"{BIAS}.npy holds Python objects, a pickle: not read"),
        (as_pytorch, "is a PyTorch file, a pickle: reading it could run a program"),
        (as_tar, "holds no TensorFlow checkpoint (no .index file)"),
    ],
)
def test_nothing_in_a_file_is_ever_executed(
    command: Import, tmp_path: Path, write: Callable[[Path, Canary], None], reason: str
) -> None:
    canary = Canary(tmp_path / "canary")
    write(tmp_path / "weights", canary)
    assert command.fails(tmp_path / "weights") == [reason]
    assert not canary.path.exists()
    pickle.loads(pickle.dumps(canary))
    assert canary.path.exists()  # the canary does sing


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"no weights at all", "is not a weights file of a kind that is known here"),
        (b"\x1c\0\0\0TFL3", "is a TensorFlow Lite model: import what it was made from"),
        (b"\x20\0\0\0\0\0\0\0{}", "is a safetensors file: it needs no import"),
    ],
)
def test_files_of_other_kinds_are_told_apart(
    command: Import, tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "weights").write_bytes(content)
    assert command.fails(tmp_path / "weights") == [reason]


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("model.weights.h5", "is a .keras archive: save the weights as an .h5 file with TF-Keras"),
        ("readme", "is not a weights file of a kind that is known here"),
    ],
)
def test_zip_archives_of_other_kinds_are_told_apart(
    command: Import, tmp_path: Path, member: str, reason: str
) -> None:
    with zipfile.ZipFile(tmp_path / "weights", "w") as archive:
        archive.writestr(member, "")
    assert command.fails(tmp_path / "weights") == [reason]


def test_a_saved_model_is_told_apart(command: Import, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"")
    reason = "is a SavedModel: import the checkpoint that it was made from"
    assert command.fails(tmp_path / "model") == [reason]


def test_a_file_beyond_the_size_limit_is_not_read(command: Import, tmp_path: Path) -> None:
    path = tmp_path / "huge.h5"
    with path.open("wb") as file:
        file.write(b"\x89HDF\r\n\x1a\n")
        file.truncate(MAX_BYTES + 1)
    assert command.fails(path) == [f"is larger than {MAX_BYTES} bytes"]


def half_of(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("name", ["weights.h5", "weights.npz", "weights.tar.gz"])
def test_truncated_files_are_refused(
    command: Import, tmp_path: Path, arrays: dict[str, Any], name: str
) -> None:
    source = tmp_path / name
    if name.endswith(".h5"):
        foreign.write_hdf5(source, arrays)
    elif name.endswith(".npz"):
        foreign.write_npz(source, arrays)
    else:
        foreign.write_tar(source, foreign.write_checkpoint(tmp_path / "folder", arrays))
    half_of(source)
    (said,) = command.fails(source, "--labels", "a,b")
    assert "damaged" in said


def test_a_number_changed_inside_an_npz_is_noticed(command: Import, tmp_path: Path) -> None:
    arrays = {name: np.zeros_like(array) for name, array in foreign.random_arrays().items()}
    kernel = "resample_p6/conv2d/kernel"
    arrays[kernel] = np.full_like(arrays[kernel], 0.7)
    source = foreign.write_npz(tmp_path / "mine.npz", arrays)
    data = source.read_bytes()
    source.write_bytes(data.replace(np.float32(0.7).tobytes(), np.float32(0.8).tobytes(), 1))
    (said,) = command.fails(source, "--labels", "a,b")
    assert said.startswith(f"tensor {kernel} is damaged (Bad CRC-32")


def test_an_npz_that_unpacks_to_too_much_is_refused(command: Import, tmp_path: Path) -> None:
    source = tmp_path / "bomb.npz"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"")
        archive.infolist()[0].file_size = MAX_BYTES + 1  # as the directory will claim
    assert command.fails(source) == [f"unpacks to more than {MAX_BYTES} bytes"]


def test_an_npz_member_that_is_no_array_is_refused(command: Import, tmp_path: Path) -> None:
    source = tmp_path / "odd.npz"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("a.npy", b"not an array")
    (said,) = command.fails(source)
    assert said.startswith("a.npy is no NumPy array (")


def test_tensors_that_are_declared_too_large_are_never_read(
    command: Import, tmp_path: Path
) -> None:
    source = tmp_path / "bomb.h5"
    with h5py.File(source, "w") as file:
        file.create_dataset("a/a/kernel:0", (2**40,), np.float32, chunks=(1024,))
    assert command.fails(source) == [f"declares tensors of more than {MAX_BYTES} bytes"]


def test_links_of_an_hdf5_file_to_elsewhere_are_not_followed(
    command: Import, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file[f"class_net/{BIAS}:0"] = np.zeros(18, np.float32)
    source = tmp_path / "links.h5"
    with h5py.File(source, "w") as file:
        file["model_weights"] = h5py.ExternalLink("secret.h5", "/")
        file["class_net"] = h5py.ExternalLink("secret.h5", "/class_net")
    (said,) = command.fails(source)
    assert said.startswith(f"holds no tensor {BIAS}")


def test_an_hdf5_tensor_kept_in_another_file_is_refused(command: Import, tmp_path: Path) -> None:
    source = tmp_path / "external.h5"
    with h5py.File(source, "w") as file:
        file.create_dataset(
            "a/b:0", (4,), np.float32, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
        )
    assert command.fails(source) == ["tensor a/b:0 is kept in another file: not read"]


def test_an_hdf5_file_of_too_many_tensors_is_refused(
    command: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdf5, "_MAX_TENSORS", 2)
    source = foreign.write_hdf5(tmp_path / "many.h5", {name: np.zeros(1) for name in "abc"})
    assert command.fails(source) == ["holds more than 2 tensors"]


def test_an_hdf5_tensor_with_damaged_bytes_is_named(
    command: Import, tmp_path: Path, arrays: dict[str, Any]
) -> None:
    kernel, source = "resample_p6/conv2d/kernel", tmp_path / "w.h5"
    foreign.write_hdf5(source, {name: x for name, x in arrays.items() if name != kernel})
    with h5py.File(source, "r+") as file:
        packed = np.full_like(arrays[kernel], 0.7)
        where = file.create_dataset(
            f"resample_p6/{kernel}:0", data=packed, chunks=packed.shape, fletcher32=True
        ).id.get_chunk_info(0).byte_offset  # fmt: skip
    with source.open("r+b") as raw:
        raw.seek(where)
        raw.write(b"????")
    (said,) = command.fails(source, "--labels", "a,b")
    assert said.startswith(f"tensor {kernel} is damaged (")


def test_weights_of_a_whole_keras_model_are_found(
    command: Import, tmp_path: Path, arrays: dict[str, Any]
) -> None:
    source = foreign.write_hdf5(tmp_path / "model.h5", arrays)
    with h5py.File(source, "r+") as file:
        groups = list(file)
        file.create_group("model_weights")
        for name in groups:
            file.move(name, f"model_weights/{name}")
        file.attrs["model_config"] = '{"class_name": "Lambda"}'  # never looked at
    command.succeeds(source, "--labels", "a,b")


def tar_with(member: tarfile.TarInfo, content: bytes = b"") -> Callable[[Path], Path]:
    return lambda path: foreign.write_hostile_tar(path, member, content)


def of_type(kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo("model.index")
    member.type, member.linkname = kind, "/etc/passwd"
    return member


def of_size(size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo("model.index")
    member.size = size
    return member


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (
            tar_with(tarfile.TarInfo("../model.index"), b"x"),
            "holds a file with a path that leads out of it, '../model.index'",
        ),
        (
            tar_with(tarfile.TarInfo("/tmp/model.index"), b"x"),
            "holds a file with a path that leads out of it, '/tmp/model.index'",
        ),
        *(
            (
                tar_with(of_type(kind)),
                "holds 'model.index', which is neither a file nor a folder",
            )
            for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
        ),
        (tar_with(of_size(MAX_BYTES + 1)), f"unpacks to more than {MAX_BYTES} bytes"),
        (tar_with(of_size(100_000)), "damaged archive (unexpected end of data)"),
        (tar_with(tarfile.TarInfo("readme"), b"x"), "holds no TensorFlow checkpoint (no .index"),
        (tar_with(tarfile.TarInfo("._model.index"), b"x"), "holds no TensorFlow checkpoint"),
    ],
)
def test_hostile_tar_archives_are_refused(
    command: Import, tmp_path: Path, write: Callable[[Path], Path], reason: str
) -> None:
    source = write(tmp_path / "weights.tar.gz")
    before = set(tmp_path.parent.rglob("model*"))
    (said,) = command.fails(source)
    assert said.startswith(reason)
    assert set(tmp_path.parent.rglob("model*")) == before


def test_a_tar_header_that_claims_to_be_huge_is_not_read(command: Import, tmp_path: Path) -> None:
    source = tmp_path / "weights.tar"
    header = tarfile.TarInfo("long")
    header.type, header.size = tarfile.XHDTYPE, MAX_BYTES // 2
    source.write_bytes(header.tobuf() + bytes(1024))
    assert command.fails(source) == ["holds a header of more than 1 MiB"]


def test_a_tar_that_unpacks_to_too_much_is_not_unpacked_any_further(
    command: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many members, each within the limit."""
    monkeypatch.setattr(archive, "MAX_BYTES", 2 * 1024**2)
    source = tmp_path / "weights.tar.gz"
    with tarfile.open(source, "w:gz") as bomb:
        for index in range(4):
            member = of_size(1024**2)
            member.name = f"readme{index}"
            bomb.addfile(member, io.BytesIO(bytes(1024**2)))
    assert source.stat().st_size < 10_000
    assert command.fails(source) == [f"unpacks to more than {2 * 1024**2} bytes"]


def test_what_follows_the_last_file_of_a_tar_is_checked_too(
    command: Import, tmp_path: Path
) -> None:
    folder = foreign.write_checkpoint(tmp_path / "folder", {"a": np.zeros(3)})
    source = foreign.write_tar(tmp_path / "weights.tar.gz", folder)
    source.write_bytes(source.read_bytes()[:-1])
    (said,) = command.fails(source)
    assert said.startswith("damaged archive (")


def test_a_full_disk_is_no_fault_of_the_archive(
    command: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_source: object, _target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.shutil, "copyfileobj", full)
    source = tar_with(tarfile.TarInfo("model.index"), b"x")(tmp_path / "weights.tar.gz")
    assert command.fails(source, code=1) == ["[Errno 28] No space left on device"]


def test_a_tar_of_too_many_files_is_refused(command: Import, tmp_path: Path) -> None:
    source = tmp_path / "weights.tar"
    with tarfile.open(source, "w") as archive:
        for index in range(1001):
            archive.addfile(tarfile.TarInfo(f"f{index}"))
    assert command.fails(source) == ["holds more than 1000 files"]


def test_a_tar_that_holds_a_name_twice_is_refused(command: Import, tmp_path: Path) -> None:
    source = tmp_path / "weights.tar"
    with tarfile.open(source, "w") as archive:
        for folder in "ab":
            archive.addfile(tarfile.TarInfo(f"{folder}/model.index"), io.BytesIO())
    assert command.fails(source) == ["holds several files named 'model.index'"]
