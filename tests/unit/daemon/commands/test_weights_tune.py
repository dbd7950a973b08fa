"""`vedette weights tune`: thresholds and groups go into a copy, numbers stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from daemon import cli
from detector.models import find_model
from detector.weights.bundled import resolve
from detector.weights.description import read_description
from detector.weights.native import load

BUNDLED = resolve("efficientdet-lite0", "bundled")
LABELS = read_description(BUNDLED).labels


def tuned(tmp_path: Path, *options: str) -> Path:
    out = tmp_path / "tuned.safetensors"
    assert cli.main(["weights", "tune", str(BUNDLED), "-o", str(out), *options]) == 0
    return out


def refusal(capsys: pytest.CaptureFixture[str], tmp_path: Path, *options: str) -> str:
    out = tmp_path / "tuned.safetensors"
    assert cli.main(["weights", "tune", str(BUNDLED), "-o", str(out), *options]) == 2
    assert not out.exists()
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    return said.err


def test_thresholds_are_those_of_an_evaluation(tmp_path: Path) -> None:
    figures = {label: {"threshold": 0.301 + at / 10} for at, label in enumerate(LABELS)}
    (tmp_path / "figures.json").write_text(json.dumps({"classes": figures}))
    out = tuned(tmp_path, "--thresholds", str(tmp_path / "figures.json"))
    assert read_description(out).thresholds == (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def test_everything_else_stays_as_it_is(tmp_path: Path) -> None:
    scores = ",".join(f"{label}=0.35" for label in LABELS)
    out = tuned(tmp_path, "--group", "car,bus, truck", "--group", "bicycle,motorcycle")
    again = tmp_path / "again.safetensors"
    assert cli.main(["weights", "tune", str(out), "-o", str(again), "--thresholds", scores]) == 0
    about = read_description(again)
    assert about.groups == (("car", "bus", "truck"), ("bicycle", "motorcycle"))
    assert about.thresholds == (0.35,) * 6
    assert about.labels == LABELS
    variables = find_model("efficientdet-lite0", about.dialect).variables(6)
    before, after = (load(path, variables) for path in (BUNDLED, again))
    assert before.description.sha256 == after.description.sha256
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(array, after.arrays[name])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--thresholds", "person=0.4"), "there is none for bicycle, car"),
        (("--thresholds", "persom=0.4"), "have no label persom (did you mean `person`?)"),
        (("--thresholds", "person=high"), "is not label=score"),
        (("--thresholds", "person=1.4"), "is not label=score"),
        (("--thresholds", "/nowhere.json"), "cannot be read"),
        (("--thresholds", str(BUNDLED)), "is not what `vedette evaluate --json` writes"),
        (("--group", "car,lorry"), "no label lorry"),
        (("--group", "car,bus", "--group", "bus,truck"), "bus is in it twice"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], reason: str
) -> None:
    assert reason in refusal(capsys, tmp_path, *options)


def test_figures_of_something_else_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "figures.json"
    for text in ("[]", '{"classes": {"person": 3}}', '{"classes": []}'):
        path.write_text(text)
        assert "is not what" in refusal(capsys, tmp_path, "--thresholds", str(path))
    path.write_text('{"classes": {"person": {"threshold": null}}}')
    assert "there is none for person" in refusal(capsys, tmp_path, "--thresholds", str(path))


def test_damaged_weights_are_not_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(BUNDLED.read_bytes())
    data[-1] ^= 1
    (tmp_path / "w.safetensors").write_bytes(data)
    out = tmp_path / "out.safetensors"
    assert cli.main(["weights", "tune", str(tmp_path / "w.safetensors"), "-o", str(out)]) == 69
    assert "damaged" in capsys.readouterr().err
    assert not out.exists()
