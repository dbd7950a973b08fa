"""What an unquoted word of the file means (YAML 1.2 core schema), and what `${NAME}` becomes.

Unlike YAML 1.1: `no`, `on` and `yes` are texts, `010` is ten, `1:30` is a text, `1e3` a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]{1,64}")
_BASED = re.compile(r"0o[0-7]{1,64}|0x[0-9a-fA-F]{1,64}")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_DOLLAR = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}|)")


def resolve(word: str) -> Scalar:
    """The value of a plain scalar."""
    if word in _WORDS:
        return _WORDS[word]
    if _WHOLE.fullmatch(word):
        return int(word)
    if _BASED.fullmatch(word):
        return int(word, 0)
    if _REAL.fullmatch(word):
        return float(word)
    if _SPECIAL.fullmatch(word):
        return float(word.replace(".", ""))
    return word


class ExpansionError(ValueError):
    """A `${NAME}` that cannot be expanded; names the variable, never its value."""


def expand(text: str, env: Mapping[str, str]) -> str:
    """`text` with `${NAME}`, `${NAME:-default}` and `$$` replaced. Raises ExpansionError."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name, default = match["name"], match["default"]
        if name is None:
            raise ExpansionError(
                "has a lone $: a variable is ${NAME}, in quotes inside { } or [ ]; a dollar is $$"
            )
        found = env.get(name)
        if default is not None:
            return found or default
        if found is None:
            msg = f"needs the environment variable {name}, which is not set"
            raise ExpansionError(msg)
        return found

    return _DOLLAR.sub(value, text)


def is_one_variable(text: str) -> bool:
    """Nothing but one `${NAME}`: its value may be a number."""
    match = _DOLLAR.fullmatch(text)
    return match is not None and match["name"] is not None
