"""ARCHITECTURE.md names what there is, and does not grow beyond what one reads."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
INSIDE = (ROOT / "docs" / "inside.md").read_text(encoding="utf-8")
MOST_LINES = 218


def section(title: str) -> str:
    return TEXT.split(f"## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """Cells of the section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_file_and_folder_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:config|daemon|detector|sinks|docs|tests)/[\w./-]*)`", TEXT + INSIDE)
    named += re.findall(r"\b(docs/[\w/.-]+\.md)", TEXT)
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_room_of_the_daemon_that_is_named_is_there() -> None:
    for package, holds, _ in rows("Rooms"):
        folder = ROOT / package.strip("`/")
        inner = re.findall(r"`(\w+)/`", holds)
        assert [name for name in inner if not (folder / name).is_dir()] == []


def test_each_of_the_ten_nouns_is_a_class_of_its_file() -> None:
    nouns = rows("Ten nouns")
    assert len(nouns) == 10
    for noun, _, where in nouns:
        sources = [(ROOT / path).read_text() for path in re.findall(r"`([^`]+)`", where)]
        assert any(re.search(rf"^class {noun}\b", source, re.MULTILINE) for source in sources), noun


def test_the_threads_have_the_names_that_the_code_gives_them() -> None:
    code = "\n".join(
        source.read_text()
        for top in ("daemon", "detector", "sinks")
        for source in (ROOT / top).rglob("*.py")
    )
    for name in re.findall(r"`([\w:]+)`", "\n".join(row[0] for row in rows("Threads"))):
        given = name.replace(":NAME", ":").replace("_N", "").removesuffix("MainThread")
        assert not given or f'"{given}' in code, name


def test_it_stays_as_short_as_it_was() -> None:
    assert TEXT.count("\n") <= MOST_LINES


def test_the_unit_tests_stand_in_the_rooms_of_what_they_test() -> None:
    here = ROOT / "tests" / "unit"
    rooms = {path.parent.relative_to(here) for path in here.rglob("test_*.py")} - {Path()}
    assert len(rooms) > 20
    assert [room for room in rooms if not any((ROOT / room).glob("*.py"))] == []
