from __future__ import annotations

from pathlib import Path

import pytest

from daemon.cli import main


@pytest.mark.parametrize(
    ("form", "inside"), [("saved_model", "assets.extra"), ("tflite", "model.labels.txt")]
)
def test_bundled_weights_become_a_detector_for_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, inside: str
) -> None:
    out = tmp_path / "model"
    options = ["--format", form, "-o", str(out), "--input-size", "64"]
    assert main(["weights", "export", "bundled", *options]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert out.exists()
    assert (out / inside).exists() or (tmp_path / inside).exists()


def test_weights_that_are_not_there_exit_69(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--format", "tflite", "-o", str(tmp_path / "out")]
    assert main(["weights", "export", "nix.safetensors", *options]) == 69
    assert "nix.safetensors" in capsys.readouterr().err


def test_a_disk_that_refuses_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    options = ["--format", "tflite", "-o", str(tmp_path / "file" / "out"), "--input-size", "64"]
    assert main(["weights", "export", "bundled", *options]) == 1
    assert capsys.readouterr().err.startswith("vedette weights: ")
