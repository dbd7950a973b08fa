"""`vedette completion SHELL`: what completes verbs, options and files in bash and zsh.

Made of the parsers themselves, so that it knows what they know.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from daemon.console import say_text


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "completion",
        help="print what completes words in a shell",
        description="Prints a script for SHELL. bash: `vedette completion bash >"
        " ~/.local/share/bash-completion/completions/vedette`. zsh: `vedette completion zsh >"
        " DIR/_vedette`, with a DIR of $fpath. Shells that are started then complete verbs,"
        " options and files.",
    )
    parser.add_argument("shell", choices=("bash", "zsh"), metavar="SHELL", help="bash or zsh")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script; returns the exit code."""
    import shtab

    from daemon.verbs import COMMANDS, parser_for

    parser = parser_for(COMMANDS)
    for action in _actions(parser):
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks
    say_text(shtab.complete(parser, args.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Of the parser and of every verb below it, which are described by their line of help."""
    for action in parser._actions:  # noqa: SLF001  # argparse has no other way to walk them
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for verb in action._get_subactions():  # noqa: SLF001
                below = action.choices[verb.dest]
                below.description = verb.help
                yield from _actions(below)
