"""`vedette train` refuses at once what could only fail later."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.cli import main
from daemon.commands import train


def test_missing_packages_are_missed_before_hours_of_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "find_spec", lambda name: None if name == "tensorboard" else name)
    assert main(["train", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    assert "install vedette with its extra `train`" in capsys.readouterr().err


def test_class_names_that_are_no_text_are_told_with_their_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "names"
    names.write_bytes(b"\xff\xfe\x00")
    told = ["--data", str(tmp_path), "--classes", str(names), "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit, match="2"):
        main(["train", *told])
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith(f"error: argument --classes: {names} is not text in UTF-8: byte 0")
