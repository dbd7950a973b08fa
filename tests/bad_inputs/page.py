"""docs/bad-inputs.md, written from real tries: `python -m tests.bad_inputs.page`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bad_inputs import commands, configurations, models, peers, streams, surroundings, web
from tests.bad_inputs.case import Case, Ended

_ROOT = Path(__file__).parents[2]
PAGE = _ROOT / "docs" / "bad-inputs.md"
GROUPS: Mapping[str, Sequence[Case]] = {
    "configuration": configurations.CASES,
    "command line": commands.CASES,
    "model": models.CASES,
    "stream": streams.CASES,
    "camera over HTTP": web.CASES,
    "peer": peers.CASES,
    "surrounding": surroundings.CASES,
}

_HEAD = """\
# Bad inputs

What was given to vedette, and how it ended; written by `make bad-inputs` from real tries, which
`make test` repeats. None ended in a traceback or a hang, and none showed the password that was
planted in it.
"""
_INTRODUCTIONS = {
    "configuration": "Files given to `vedette check`. Exit code 78 is a bad configuration.",
    "command line": "Exit code 2 is usage, 69 no model, 78 a bad configuration.",
    "model": "Files given to `vedette detect --weights` and `weights import`. 69: no usable model.",
    "stream": (
        "Files and cameras, opened and watched as the daemon does. What they end as is the reason"
        " that the daemon gives for a lost camera; *works* is no fault."
    ),
    "camera over HTTP": "What was answered to a question for pictures, and what came of it.",
    "peer": (
        "What was sent to the HTTP and ZeroMQ ports. After each of them the next request, or the"
        " next message to another subscriber, was seen to go through."
    ),
    "surrounding": (
        "What commands were started in. *as usual*: every verb ended with its usual exit code, or"
        " with 1 where its output went nowhere, and said so in a line."
    ),
}
_LONGEST = 160
_VARIES = re.compile(r"^\S+Z (?=ERROR)|(?<=127\.0\.0\.1):\d+")  # times, ports
_ROW = re.compile(r"^\| (.*?(?<!\\)) \| [^|]+ \| .* \|$", re.MULTILINE)


def inputs_on(page: Path) -> set[str]:
    """The first column of all its tables."""
    return set(_ROW.findall(page.read_text()))


def write(page: Path) -> None:
    parts = [_HEAD.rstrip()]
    for group, cases in GROUPS.items():
        head = f"\n## {group[0].upper()}{group[1:]}: {len(cases)}\n\n{_INTRODUCTIONS[group]}\n"
        parts.append(
            "\n".join([head, "| input | ends as | says |", "|---|---|---|", *_rows(cases)])
        )
    page.write_text("\n".join(parts) + "\n")


def _rows(cases: Sequence[Case]) -> Iterator[str]:
    for case in cases:
        with TemporaryDirectory() as folder:
            ended = case.attempt(Path(folder))
            yield f"| {cell(case.given)} | {ended.how} | {cell(_first_words(ended, folder))} |"


def _first_words(ended: Ended, folder: str) -> str:
    """The line that matters: usage comes before it, and the daemon's log."""
    said = ended.said.replace(f"{folder}/", "").replace(folder, ".").replace(f"{_ROOT}/", "")
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line or " ERROR " in line]
    words = _VARIES.sub("", (errors or lines or [""])[0])
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


def cell(text: str) -> str:
    """As a cell of a Markdown table."""
    visible = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return visible.replace("|", r"\|").replace("<", r"\<")


if __name__ == "__main__":
    write(PAGE)
