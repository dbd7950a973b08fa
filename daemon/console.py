"""What a command says, a line per call: the one place that writes to a person's terminal.

Names of files, labels and messages of others may hold any characters; none of them steers a
terminal or begins a line of its own. The main thread's.

OutputError   standard output takes no more; not a fault of the command
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from typing import Any

from config.errors import ConfigError, printable
from daemon.exits import EXIT_BAD_CONFIG


class OutputError(Exception):
    """The message is the reason."""


def prepare() -> None:
    """Whatever the locale, every character can be written: what it lacks is escaped. A stream that
    the shell closed goes nowhere, and not into the file that is opened next.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(line: str = "") -> None:
    """A line on standard output. Raises OutputError, and BrokenPipeError where nobody reads it."""
    _write_out(printable(line) + "\n")


def say_text(text: str) -> None:
    """Text of ours with line breaks: a table, a document."""
    _write_out("".join(f"{printable(line)}\n" for line in text.splitlines()))


def say_json(value: Any) -> None:
    """One JSON object in a line."""
    say_json_text(json.dumps(value))


def say_json_text(text: str) -> None:
    """The same, written already."""
    _write_out(escaped_json(text) + "\n")


def complain(line: str) -> None:
    """A line on standard error; nothing comes of it where that is full or closed."""
    with contextlib.suppress(OSError, ValueError):
        print(printable(line), file=sys.stderr, flush=True)


def complain_of(error: ConfigError) -> int:
    """Every fault of a configuration, a line each; the exit code for it."""
    for fault in error.faults:
        complain(str(fault))
    return EXIT_BAD_CONFIG


def escaped_json(text: str) -> str:
    """JSON that means the same and holds nothing but what can be printed."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text).replace(
        "\x7f", "\\u007f"
    )


def flush() -> None:
    """What argparse and others wrote, too. Raises OutputError and BrokenPipeError."""
    _write_out("")


def abandon() -> None:
    """Whatever is left for standard output goes nowhere, so that the interpreter's end is quiet."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_out(text: str) -> None:
    try:
        if text:  # nothing at all would be written too, and fail
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        raise OutputError(reason) from None
