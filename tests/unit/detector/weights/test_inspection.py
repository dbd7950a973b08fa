"""`vedette weights info` and where named weights are looked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from config.loader import load as load_config
from daemon import cli
from detector.api import ModelError
from detector.networks.sizes import SIZES
from detector.weights import bundled, inspection
from detector.weights.description import Description, read_description
from detector.weights.foreign.classes import COCO_LABELS, choose
from detector.weights.native import save
from detector.weights.published import cache
from detector.weights.published.table import PUBLISHED
from tests.support import foreign_weights as foreign

BUNDLED = bundled.resolve("efficientdet-lite0", "bundled")


def rows(capsys: pytest.CaptureFixture[str], path: Path | str) -> dict[str, str]:
    assert cli.main(["weights", "info", str(path)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return {line[:14].rstrip(): line[14:] for line in said.out.splitlines()}


def refusal(capsys: pytest.CaptureFixture[str], path: Path | str) -> str:
    assert cli.main(["weights", "info", str(path)]) == 69
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    return said.err


def test_our_own_file_is_described_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    said = rows(capsys, BUNDLED)
    assert said["architecture"] == "efficientdet-lite0"
    assert said["labels"] == "6: person, bicycle, car, motorcycle, bus, truck"
    assert said["input"] == "512×512"
    assert said["size"] == f"{BUNDLED.stat().st_size:,} bytes"
    assert said["checked"] == "complete, undamaged, fits the architecture"
    parts = [int(part.split()[0].replace(",", "")) for part in said["on disk"].split(", ")]
    assert sum(parts) == int(said["parameters"].replace(",", ""))
    assert len(said["sha256"]) == 64
    assert {"pixels", "data", "licence", "source"} <= set(said)


def test_a_damaged_file_of_ours_is_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(BUNDLED.read_bytes())
    data[-1] ^= 1
    (tmp_path / "w").write_bytes(data)
    assert "damaged" in refusal(capsys, tmp_path / "w")


def test_an_architecture_of_a_later_version_is_described_but_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.safetensors"
    about = Description("later", ("a",), 64, "RGB", "none", "none", "a test")
    save(path, {"kernel": np.zeros((1, 1, 2, 3), np.float32)}, about, half=True)
    said = rows(capsys, path)
    assert said["on disk"] == "6 float16"
    assert said["checked"].startswith("no: ")
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert "damaged" in refusal(capsys, path)


def test_a_safetensors_file_of_others_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file({"a": np.zeros(1)}, tmp_path / "w")
    assert "not a safetensors file with a description" in refusal(capsys, tmp_path / "w")


def test_files_of_others_say_how_to_import_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = foreign.write_hdf5(tmp_path / "w.h5", {})
    said = rows(capsys, path)
    assert said["kind"] == "HDF5 file, presumably of Keras weights"
    assert said["import"] == f"vedette weights import {path} -o NAME.safetensors"
    (tmp_path / "model.index").write_bytes(b"")
    assert rows(capsys, tmp_path)["kind"] == "TensorFlow checkpoint"
    (tmp_path / "p").write_bytes(b"\x80\x04.")
    assert rows(capsys, tmp_path / "p")["import"].startswith("cannot be imported: it is a Python")


def test_a_disk_that_fails_is_no_fault_of_the_weights(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(inspection, "inspect", broken)
    assert cli.main(["weights", "info", str(BUNDLED)]) == 1
    assert capsys.readouterr().err == "vedette weights: [Errno 5] Input/output error\n"


def test_nothing_to_describe_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No such file or directory" in refusal(capsys, tmp_path / "w.h5")
    assert "weights nonsense are not known" in refusal(capsys, "nonsense")


def test_fetched_weights_are_described_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert "run `vedette weights fetch efficientdet-lite0`" in refusal(capsys, "efficientdet-lite0")
    cache.folder().mkdir(parents=True)
    cache.weights_file("efficientdet-lite0").symlink_to(BUNDLED)
    assert rows(capsys, "efficientdet-lite0")["architecture"] == "efficientdet-lite0"


@pytest.mark.parametrize("home", ["", "relative"])
def test_the_cache_is_in_the_home_folder_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", home)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".local" / "share" / "vedette" / "weights"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(ModelError, match="neither XDG_DATA_HOME nor HOME is set"):
        bundled.resolve("efficientdet-d0", "efficientdet-d0")


def test_a_word_that_is_no_name_is_a_file_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="did you mean `efficientdet-d0`"):
        bundled.resolve("efficientdet-d0", "efficentdet-d0")
    Path("mine").touch()
    assert bundled.resolve("efficientdet-d0", "mine") == Path("mine")


@pytest.mark.parametrize(
    ("weights", "meant"),
    [
        ("efficientdet-d2-640", "efficientdet-d2-640"),
        ("./efficientdet-d0", "{folder}/efficientdet-d0"),
        ("mine.safetensors", "{folder}/mine.safetensors"),
    ],
)
def test_in_a_configuration_a_plain_word_is_a_name_and_anything_else_a_path(
    tmp_path: Path, weights: str, meant: str
) -> None:
    text = f"version: 1\nmodel: {{weights: {weights}}}\ncameras: {{a: {{url: 'file:x'}}}}\n"
    (tmp_path / "v.yaml").write_text(text)
    loaded = load_config(tmp_path / "v.yaml", {}).config
    assert loaded.model.weights == meant.format(folder=tmp_path)


def test_models_without_bundled_weights_say_what_to_fetch() -> None:
    with pytest.raises(ModelError, match="or run `vedette weights fetch efficientdet-d3`"):
        bundled.resolve("efficientdet-d3", "bundled")
    with pytest.raises(ModelError, match=r"set model.weights to the path of a .safetensors file$"):
        bundled.resolve("other", "bundled")


def test_every_size_is_published_under_its_own_name() -> None:
    assert set(SIZES) <= set(PUBLISHED)
    for name, row in PUBLISHED.items():
        assert row.architecture in SIZES
        smaller = name.endswith("-640")
        assert row.input_size == (640 if smaller else None)
        assert row.path.endswith((f"/{name}.tgz", f"/{name}.tar.gz"))
        assert (row.path.startswith("coco640/")) == smaller
    assert len(PUBLISHED) == 20


def test_a_name_that_was_never_published_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["weights", "fetch", "efficientdet-lite5"]) == 2
    assert "did you mean `efficientdet-lite" in capsys.readouterr().err
    assert cli.main(["weights", "fetch", "yolo"]) == 2
    assert "known: efficientdet-d0, efficientdet-d1" in capsys.readouterr().err


def test_cocos_table_has_80_names_on_90_numbers() -> None:
    classes = choose(90, None)
    number = dict(zip(classes.labels, (channel + 1 for channel in classes.channels), strict=True))
    assert len(number) == len(COCO_LABELS) == 80
    known = {"person": 1, "stop sign": 13, "dog": 18, "backpack": 27, "bottle": 44, "tv": 72,
             "refrigerator": 82, "book": 84, "toothbrush": 90, "toilet": 70}  # fmt: skip
    assert {name: number[name] for name in known} == known


def test_90_labels_of_ones_own_name_all_90_classes() -> None:
    labels = [f"class {index}" for index in range(90)]
    classes = choose(90, labels)
    assert (classes.labels, classes.channels) == (tuple(labels), tuple(range(90)))


def test_describing_a_file_needs_no_tensorflow() -> None:
    program = (
        "import sys; from daemon.cli import main; "
        f"code = main(['weights', 'info', {str(BUNDLED)!r}]); "
        "sys.exit(code or 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def described(tmp_path: Path, **said: str) -> Description:
    path = tmp_path / "w.safetensors"
    about = Description("later", ("car", "dog", "truck"), 64, "RGB", "none", "none", "a test")
    array = {"kernel": np.zeros((1, 1, 2, 3), np.float32)}
    save_file(array, path, about.to_metadata() | said)
    return read_description(path)


def test_weights_say_from_which_score_and_which_labels_are_one_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = Description(
        "later", ("car", "dog", "truck"), 64, "RGB", "none", "none", "a test",
        thresholds=(0.3, 0.45, 0.5), groups=(("truck", "car"),),
    )  # fmt: skip
    path = tmp_path / "w.safetensors"
    save(path, {"kernel": np.zeros((1, 1, 2, 3), np.float32)}, about)
    read = read_description(path)
    assert (read.thresholds, read.groups) == (about.thresholds, about.groups)
    assert read.scores_from(None) == (0.3, 0.45, 0.5)
    assert read.scores_from(0.2) == (0.2, 0.2, 0.2)
    numbers = read.group_numbers()
    assert numbers[0] == numbers[2] != numbers[1]
    said = rows(capsys, path)
    assert said["thresholds"] == "car 0.30, dog 0.45, truck 0.50"
    assert said["one object"] == "truck/car"


def test_weights_that_say_nothing_of_it_are_used_as_ever(tmp_path: Path) -> None:
    old = described(tmp_path, thresholds="[]", groups="[]")
    assert old.scores_from(None) == (0.4, 0.4, 0.4)
    assert old.group_numbers() == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("thresholds", "[0.1, 0.2]"),
        ("thresholds", "[0.1, 0.2, 1.5]"),
        ("thresholds", "0.4"),
        ("thresholds", '["a", "b", "c"]'),
        ("groups", '[["car", "van"]]'),
        ("groups", '[["car"], ["car", "dog"]]'),
        ("groups", "car"),
    ],
)
def test_thresholds_and_groups_that_make_no_sense_are_refused(
    tmp_path: Path, field: str, value: str
) -> None:
    with pytest.raises(ModelError, match="not a safetensors file with a description"):
        described(tmp_path, **{field: value})
