"""What the documentation says is there: links, commands with their options, configurations."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.camera import CameraConfig
from config.fleet import load_fleet
from config.gateway import load_gateway
from config.loader import load
from daemon.capture.errors import Cause
from daemon.cli import main
from daemon.diagnosis.advice import advice
from daemon.verbs import COMMANDS, parser_for
from tests.support.documentation import BLOCK, PAGES, ROOT, SHELLS, Typed, blocks, text_of, typed

LINK = re.compile(r"\]\((?!https?:|#)([^)\s#]*)(?:#([^)\s]+))?\)")
INLINE = re.compile(r"`vedette ([a-z][^`]*)`")
BRACKETS = str.maketrans("", "", "[]")
VEDETTE = re.compile(r"(?:^|bin/|sudo |exec vedette )vedette (?=--version|[a-z])")
COMMAND = re.compile(r"^(?:\$ )?(?:\S*/)?(?:vedette|pip|make|curl) \S", re.MULTILINE)
TARGET = re.compile(r"(?:^|sudo )make ([a-z][\w-]*)")


def anchors(page: Path) -> set[str]:
    """As the usual renderers make them of headings."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text_of(page)), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


def options() -> dict[str, set[str]]:
    """What can be written after each verb: options, and words for a verb of its own."""
    (verbs,) = (
        action
        for action in parser_for(COMMANDS)._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return {name: set(_known(parser)) for name, parser in verbs.choices.items()}


def _known(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield name
                yield from _known(below)


def arguments(line: str) -> Iterator[list[str]]:
    """Words after each `vedette` of a command line."""
    for command in re.split(r" (?:[|>&]+|;) ?", line):
        found = VEDETTE.search(command)
        if found is not None:
            yield shlex.split(command[found.end() :])


def mentioned(page: Path) -> Iterator[list[str]]:
    """Words after `vedette` in the text."""
    for found in INLINE.findall(BLOCK.sub("", text_of(page))):
        yield shlex.split(re.split(r" [|>]", found)[0].translate(BRACKETS))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, anchor in LINK.findall(BLOCK.sub("", text_of(page))):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target), f"{path}#{anchor}"


def test_every_page_is_in_the_index() -> None:
    index = text_of(ROOT / "docs/README.md")
    for page in ROOT.glob("docs/**/*.md"):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name == "README.md" or name.startswith("adr/") or f"]({name})" in index, name


def test_every_command_in_the_text_has_such_a_verb_and_such_options() -> None:
    known = options()
    shown = [(page, words) for page in PAGES for words in mentioned(page)]
    assert len(shown) > 30
    for page, (verb, *rest) in shown:
        assert verb in known, f"{page.name}: vedette {verb}"
        used = {word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert used <= known[verb], f"{page.name}: {verb} {used - known[verb]}"


def is_vedette(line: Typed) -> bool:
    return any(True for _ in arguments(line.line))


@pytest.mark.parametrize("line", [one for one in typed() if is_vedette(one)], ids=str)
def test_every_command_that_is_to_be_typed_is_understood(line: Typed) -> None:
    for words in arguments(line.line):
        if words != ["--version"]:
            parser_for({words[0]}).parse_args(words)


def test_every_target_of_make_is_there() -> None:
    rules = re.findall(r"^([\w-]+):", text_of(ROOT / "Makefile"), re.MULTILINE)
    targets = [name for line in typed() for name in TARGET.findall(line.line)]
    targets += [name for page in PAGES for name in re.findall(r"`make ([\w-]+)", text_of(page))]
    assert len(targets) > 10
    assert set(targets) <= set(rules)


def test_no_command_hides_in_a_block_of_another_language() -> None:
    for page in PAGES:
        for language, body in BLOCK.findall(text_of(page)):
            if language not in (*SHELLS, "text"):
                assert not COMMAND.search(body), body


FAULTY = """\
version: 1
cameras:
  gate:
    ulr: rtsp://10.0.0.5/h264
"""


@pytest.mark.parametrize("page", ["README.md", "docs/configuration.md"])
def test_check_says_of_a_faulty_file_what_the_page_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vedette.yaml").write_text(FAULTY)
    monkeypatch.chdir(tmp_path)
    (check,) = (one for one in typed() if one.page == page and one.line.startswith("vedette check"))
    assert main(shlex.split(check.line)[1:]) == 78
    assert capsys.readouterr().err.splitlines() == list(check.shown)


def test_every_verb_is_in_the_list_of_verbs() -> None:
    listed = re.findall(r"^\| `([\w-]+)` \|", text_of(ROOT / "docs/command-line.md"), re.MULTILINE)
    assert set(COMMANDS) == set(listed)


def test_every_whole_configuration_that_is_shown_can_be_loaded(tmp_path: Path) -> None:
    whole = [body for page in PAGES for body in blocks(page, "yaml") if body.startswith("version:")]
    assert len(whole) >= 4
    for number, body in enumerate(whole):
        file = tmp_path / f"{number}.yaml"
        file.write_text(body, encoding="utf-8")
        if "\nfleet:" in body:
            load_fleet(file)
        elif re.search("^(publishers|subscribers):", body, re.MULTILINE):
            load_gateway(file, {})
        else:
            load(file, {})


@pytest.mark.parametrize("cause", Cause)
def test_troubleshooting_says_of_every_cause_what_the_page_says(cause: Cause) -> None:
    page = text_of(ROOT / "docs/troubleshooting.md")
    camera = CameraConfig(url="rtsp://10.0.0.5/h264", credential="camera_gate")
    assert f"`{cause}` | {' '.join(advice(cause, camera).split())} |" in page
