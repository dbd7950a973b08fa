"""`vedette fleet …` before it reaches Ray."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from daemon.cli import main

FILE = """
version: 1
cameras: {gate: {url: "synthetic://64x48"}}
fleet: {nodes: {north: {http: "127.0.0.1:9464"}}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(FILE)
    return path


def test_without_ray_it_says_how_to_install_it(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert main(["fleet", "status", str(file)]) == 1
    assert "install vedette with its extra `cluster`" in capsys.readouterr().err


def test_faults_of_the_file_are_told_before_anything_else(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(FILE.replace("nodes:", "servers:"))
    assert main(["fleet", "run", str(file)]) == 78
    told = capsys.readouterr().err
    assert "fleet.nodes: is missing" in told
    assert "fleet.servers: is not known here" in told


def test_a_fleets_file_is_no_file_of_a_single_daemon(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(file)]) == 78
    assert "this file is run with `vedette fleet run`" in capsys.readouterr().err
