"""`vedette man`: the manual page says what --help says, in macros that manual readers take."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from daemon.cli import main
from daemon.commands.manual import EXITS, SIGNALS
from daemon.verbs import COMMANDS
from tests.support.require import program

ROOT = Path(__file__).parents[4]


@pytest.fixture
def page(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["man"]) == 0
    return capsys.readouterr().out


def unescaped(text: str) -> str:
    return text.replace(r"\-", "-").replace(r"\&", "").replace(r"\e", "\\")


def sections(page: str) -> dict[str, str]:
    _, *parts = re.split(r'^\.SS "([^"]*)"$', unescaped(page), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_verb_and_every_option_of_it_is_described(page: str) -> None:
    found = sections(page)
    for verb in COMMANDS:
        assert f"vedette {verb}" in found
    for words in ("weights import", "weights quantize", "keys new", "bench pipeline"):
        assert f"vedette {words}" in found
    assert "--zeromq-port PORT" in found["vedette demo"]
    assert "(default: 9464)" in found["vedette demo"]
    assert "CONFIG" in found["vedette check"]


def test_no_line_of_text_is_taken_for_a_macro(page: str) -> None:
    macros = {line.split()[0] for line in page.splitlines() if line[:1] in (".", "'")}
    assert macros <= {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".nf", ".fi", ".sp"}
    assert "" not in page.splitlines()
    assert page.isascii()


def test_exit_codes_and_signals_are_those_of_the_documentation(page: str) -> None:
    text = (ROOT / "docs/command-line.md").read_text()
    for code, meaning in EXITS.items():
        assert f"| {code} | {meaning} |" in text
        assert f".B {code}\n{meaning}\n" in page
    for name, meaning in SIGNALS.items():
        assert f"| {name} | {meaning}" in text


def test_mandoc_has_nothing_to_say_but_that_it_has_no_date(page: str, tmp_path: Path) -> None:
    file = tmp_path / "vedette.1"
    file.write_text(page)
    lint = [program("mandoc", package="mandoc"), "-T", "lint", "-W", "warning", str(file)]
    found = subprocess.run(lint, capture_output=True, text=True, timeout=20, check=False)
    said = [line for line in found.stdout.splitlines() if "missing date" not in line]
    assert said == []
    shown = subprocess.run(
        [lint[0], "-T", "ascii", str(file)], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    plain = re.sub(".\b", "", shown)
    assert "vedette - streaming video analytics daemon" in plain
    assert "--credential REF" in plain
