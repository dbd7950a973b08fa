"""The way out that a fault message offers."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LIST_AT_MOST = 12


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """` (did you mean `x`?)`, else the known words if they are few; starts with a space."""
    words = list(known)
    close = (
        get_close_matches(word.lower(), words, n=1, cutoff=0.6)
        if isinstance(word, str) and len(word) <= 64
        else []
    )
    if close:
        return f" (did you mean `{close[0]}`?)"
    if 0 < len(words) <= _LIST_AT_MOST:
        return f" (known: {', '.join(words)})"
    return ""
