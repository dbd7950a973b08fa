"""The file as text: UTF-8, of bounded size, without characters that a screen does not show."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from config.files import UnusableFileError, read_small_file

MAX_BYTES = 1_000_000

# YAML 1.1 scanners break lines at the last three, editors do not: positions would disagree.
_INVISIBLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]|[\u2028\u2029]")
_LINE_END = re.compile(r"\r\n|\r|\n")


class TextError(Exception):
    """The file is no text for us. `line` and `column` count from 1; 0 is the whole file."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def read_text(path: Path) -> str:
    """The file without byte order mark; raises TextError."""
    try:
        content, _mode = read_small_file(path, MAX_BYTES)
    except UnusableFileError as exc:
        raise TextError(str(exc)) from None
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TextError("is UTF-16 (save it as UTF-8)")
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode()
    except UnicodeDecodeError as exc:
        before = content[: exc.start].decode()
        raise TextError("is not UTF-8 from here on", *_place(before)) from None
    invisible = _INVISIBLE.search(text)
    if invisible:
        message = f"holds the invisible character U+{ord(invisible[0]):04X}"
        raise TextError(message, *_place(text[: invisible.start()]))
    if not text.strip():
        raise TextError("is empty")
    return text


def _place(before: str) -> tuple[int, int]:
    lines = _LINE_END.split(before)
    return len(lines), len(lines[-1]) + 1
