"""The pages of the documentation, and what readers are told to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    ROOT / "systemd/README.md",
]
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SHELLS = ("sh", "console")
PROMPT = "$ "
_COMMENT = re.compile(r"(?:^|\s)#\s.*")


@dataclass(frozen=True)
class Typed:
    """A command line, as bash takes it, and the lines that the page shows as its answer."""

    page: str
    line: str
    shown: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> Iterator[str]:
    for language, body in BLOCK.findall(text_of(page)):
        if language in languages:
            yield body


def typed() -> list[Typed]:
    """Every command line of every block for a shell, without its comment."""
    return [
        found
        for page in PAGES
        for language, body in BLOCK.findall(text_of(page))
        if language in SHELLS
        for found in _typed(page.relative_to(ROOT).as_posix(), language, body)
    ]


def _typed(page: str, language: str, body: str) -> Iterator[Typed]:
    lines = re.sub(r"\\\n\s*", "", body).splitlines()
    if language == "sh":
        without = (_COMMENT.sub("", line).strip() for line in lines)
        yield from (Typed(page, line) for line in without if line)
        return
    starts = [n for n, line in enumerate(lines) if line.startswith(PROMPT)]
    assert starts[:1] == [0], f"{page}: a console begins with a command: {body}"
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        line = _COMMENT.sub("", lines[start].removeprefix(PROMPT)).strip()
        yield Typed(page, line, tuple(lines[start + 1 : end]))
