"""The parser of the `vedette` command: which verbs it knows and what it imports for them."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from daemon.cli import main
from daemon.verbs import COMMANDS


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out.split()
    assert set(COMMANDS) <= set(said)


def test_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"vedette {version('vedette')}\n"


def test_only_the_module_of_the_verb_is_imported() -> None:
    program = (
        "import sys\n"
        "from daemon.verbs import parser_for\n"
        "parser_for({'schema'})\n"
        "print(*(name for name in sys.modules if name.startswith('daemon.commands.')))\n"
        "print(*{'tensorflow', 'av', 'cv2', 'zmq', 'shtab'} & set(sys.modules))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == ["daemon.commands.schema", ""]
