"""`vedette completion`: what shells complete with its scripts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from daemon.cli import main
from daemon.verbs import COMMANDS


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> str:
    assert main(["completion", request.param]) == 0
    return capsys.readouterr().out


def completed(script: str, *words: str, folder: Path) -> list[str]:
    """What bash offers for the last of `words`."""
    line = " ".join(f"'{word}'" for word in ("vedette", *words))
    program = (
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words)}\n_shtab_vedette\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    found = subprocess.run(
        ["bash", "--norc", "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert found.stderr == ""
    return found.stdout.split()


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash_completes_verbs_options_choices_and_files(script: str, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").touch()
    assert completed(script, "do", folder=tmp_path) == ["doctor"]
    assert set(completed(script, "", folder=tmp_path)) >= set(COMMANDS)
    assert completed(script, "run", "--su", folder=tmp_path) == ["--summary"]
    assert completed(script, "check", "si", folder=tmp_path) == ["site.yaml"]
    assert completed(script, "weights", "exp", folder=tmp_path) == ["export"]
    assert completed(script, "completion", "z", folder=tmp_path) == ["zsh"]


@pytest.mark.parametrize("script", ["zsh"], indirect=True)
def test_zsh_tells_every_verb_by_its_line_of_help(script: str) -> None:
    assert script.startswith("#compdef vedette\n")
    for verb, (_, text) in COMMANDS.items():
        if verb not in ("keys", "tail", "try"):  # of other words, or quoted
            assert f"\n    {verb}:'{text}'\n" in script
