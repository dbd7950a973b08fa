"""What goes wrong with what the operator wrote. No message ever holds a password or a URL.

ConfigError       the file cannot be used: all its faults at once (exit 78)
CredentialError   user and password of a camera cannot be read
FieldsError       a rule between fields of one section is broken; becomes a Fault of ConfigError
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
_PLAIN_KEY = re.compile(r"[\w .-]{1,64}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong at one place; line and column count from 1, 0 is the whole file."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(Exception):
    """The file has at least one fault; the message is one line for each."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class CredentialError(Exception):
    """A credential cannot be read; the message is one line, names the file and the way out."""


class FieldsError(ValueError):
    """Fields of one section contradict each other; the fault stands at the first one written."""

    def __init__(self, message: str, *fields: str) -> None:
        super().__init__(message)
        self.fields = fields


def path_text(path: KeyPath) -> str:
    """`cameras.gate.detect.roi[0][1]`. A key that is no plain word is not shown: it may be a
    mistyped URL with a password, or hold control characters.
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += "." * bool(text) + (step if _PLAIN_KEY.fullmatch(step) else "‹key›")
    return text


def printable(text: str) -> str:
    """Text for a terminal or log whatever bytes a file name was made of."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
