"""What a command was started in is told in words."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from daemon import cli, surroundings
from daemon.surroundings import unanswering


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on a mount whose server is away: a look at it does not come back."""
    real = Path.stat
    away = threading.Event()

    def stat(path: Path, **options: bool) -> object:
        if path.is_relative_to("/dead"):
            away.wait(10)
        return real(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(surroundings, "LOOK_S", 0.02)
    return Path("/dead")


def test_paths_that_answer_or_are_not_there_are_nobodys_concern(tmp_path: Path) -> None:
    assert unanswering(["verb", 3, None, tmp_path, [tmp_path / "none", "text"]]) is None


def test_the_one_that_does_not_answer_is_named(tmp_path: Path, dead: Path) -> None:
    values = [tmp_path, [tmp_path / "a.jpg", dead / "b.jpg", tmp_path / "c.jpg"]]
    assert unanswering(values) == dead / "b.jpg"


def test_weights_that_are_named_by_path_are_looked_at_too(dead: Path) -> None:
    assert (
        unanswering(["bundled", "rtsp://dead/x", "/dead/w.safetensors"]) == dead / "w.safetensors"
    )


def test_a_command_says_so_in_one_line_and_ends(
    dead: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", str(dead / "vedette.yaml")]) == 1
    told = capsys.readouterr().err
    assert told.startswith("vedette: /dead/vedette.yaml: the file system does not answer")
    assert told.count("\n") == 1
