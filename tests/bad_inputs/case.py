"""A bad input, how it is tried, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from daemon.cli import main

CANARY = "canary-hunter2"  # stands wherever a secret may be written by mistake
_LONGEST_S = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """How a try ended, in a word or two (`exit 78`), and everything that was said of it."""

    how: str
    said: str


@dataclass(frozen=True, slots=True)
class Case:
    """`given` is the input in a few words; `attempt` gets an empty folder; `saying` is a part of
    what is said.
    """

    given: str
    attempt: Callable[[Path], Ended]
    how: str
    saying: str = ""


def command(*words: str) -> Ended:
    """A `vedette` command, in this process."""
    out = StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        try:
            code = main(list(words))
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Ended(f"exit {code}", out.getvalue())


def process(*words: str | bytes, **environment: str) -> Ended:
    """The same in a process of its own, as a shell would start it."""
    ended = subprocess.run(
        [sys.executable, "-m", "daemon.cli", *words],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=_LONGEST_S,
        check=False,
        env=os.environ | environment,
    )
    said = (ended.stdout + ended.stderr).decode("utf-8", "replace")
    return Ended(f"exit {ended.returncode}", said)
