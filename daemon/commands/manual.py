"""`vedette man`: the manual page, made of the parsers themselves, so that it says what --help says.

In the classic man macros (`man 7 groff_man`), which every `man` understands.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

from daemon import exits
from daemon.console import say_text

_WIDTH = 76  # of usage, which is not filled
_PLAIN_HEADINGS = ("positional arguments", "options")
EXITS = {
    exits.EXIT_OK: "clean",
    exits.EXIT_FAILED: "at run time",
    exits.EXIT_USAGE: "usage",
    exits.EXIT_NO_MODEL: "no model",
    exits.EXIT_BAD_CONFIG: "bad configuration",
}
SIGNALS = {
    "SIGTERM, SIGINT": "drains and ends within 3 s; a second one ends it at once",
    "SIGHUP": "reads the configuration again and applies what is new",
}


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "man",
        help="print the manual page",
        description="Prints the manual page, made of what --help says of every verb. To read it:"
        " `vedette man | man -l -`. To keep it: `vedette man >"
        " ~/.local/share/man/man1/vedette.1`.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the page; returns the exit code."""
    del args
    from daemon.verbs import COMMANDS, parser_for

    say_text("\n".join(page(parser_for(COMMANDS))))
    return 0


def page(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Its lines, for the parser of everything."""
    yield f'.TH VEDETTE 1 "" "vedette {version("vedette")}" "User commands"'
    yield ".SH NAME"
    yield r"vedette \- streaming video analytics daemon"
    yield ".SH SYNOPSIS"
    yield from _lines(_usage(parser))
    yield ".SH DESCRIPTION"
    yield _roff(parser.description or "")
    yield ".SH COMMANDS"
    for verb in _verbs(parser):
        yield from _section(verb)
    yield ".SH EXIT STATUS"
    yield from _terms((str(code), meaning) for code, meaning in EXITS.items())
    yield ".SH SIGNALS"
    yield _roff("What vedette run does:")
    yield from _terms(SIGNALS.items())


def _section(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f'.SS "{_roff(parser.prog)}"'
    usual: Any = parser.formatter_class
    is_laid_out = issubclass(usual, argparse.RawDescriptionHelpFormatter)
    parser.formatter_class = _RawRoff if is_laid_out else _Roff
    yield from _lines(parser.format_help())
    for verb in _verbs(parser):
        yield from _section(verb)


def _usage(parser: argparse.ArgumentParser) -> str:
    parser.formatter_class = _Roff
    return parser.format_usage()


def _verbs(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001  # argparse has no other way to walk them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            yield from action.choices.values()


def _lines(text: str) -> Iterator[str]:
    """An empty line is a fault in a manual page."""
    return (line.rstrip() for line in text.splitlines() if line.strip())


def _terms(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, meaning in pairs:
        yield from (".TP", f".B {_roff(term)}", _roff(meaning))


def _roff(text: str) -> str:
    """Text that no line of is a macro, and whose characters every output device can show."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    plain = "".join(char if char.isascii() else rf"\[u{ord(char):04X}]" for char in escaped)
    return "\n".join(rf"\&{line}" if line[:1] in (".", "'") else line for line in plain.split("\n"))


class _Roff(argparse.HelpFormatter):
    """What argparse writes as help, as macros."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_WIDTH)

    def start_section(self, heading: str | None) -> None:
        super().start_section(None)
        if heading and heading not in _PLAIN_HEADINGS:
            self._add_item(lambda: f".PP\n.B {_roff(heading)}\n", [])

    def _format_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None) -> str:
        del prefix
        return f".nf\n{_roff(super()._format_usage(usage, actions, groups, ''))}\n.fi\n"

    def _format_text(self, text: str) -> str:
        return f".PP\n{_roff(' '.join(text.split()))}\n"

    def _format_action(self, action: argparse.Action) -> str:
        if isinstance(action, argparse._SubParsersAction) or action.dest == "help":  # noqa: SLF001
            return ""  # each verb has a section; --help is what this page is
        words = " ".join(self._expand_help(action).split()) if action.help else ""
        return f".TP\n.B {_roff(self._format_action_invocation(action))}\n{_roff(words)}\n"


class _RawRoff(_Roff):
    """Where the author laid out the text."""

    def _format_text(self, text: str) -> str:
        laid_out = _roff(text.strip("\n")).replace("\n\n", "\n.sp\n")
        return f".PP\n.nf\n{laid_out}\n.fi\n"
