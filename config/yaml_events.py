"""PyYAML's events, and its complaints in an operator's words."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from config.errors import printable

Place = tuple[int, int]  # line and column, both from 1

_MAX_EVENTS = 100_000  # about a second of scanning; 256 cameras with every field need 40 000

_EXPLANATIONS = (
    ("character '\\t'", "a tab stands here: use spaces"),
    (
        "mapping values are not allowed",
        "a colon is not allowed here: check indentation, quotes and the space after colons",
    ),
    ("could not find expected ':'", "a colon is missing, or the space after it"),
    ("expected <block end>", "wrong indentation: this does not line up with what stands above"),
    ("'<stream end>'", "a bracket is opened here and never closed"),
    ("unexpected end of stream", "a quote is opened here and never closed"),
    ("expected ',' or", "a comma or a closing bracket is missing"),
)
# Noticed only further down, or at the end of the file: what began it stands in the context.
_FOUND_LATE = ("'<stream end>'", "unexpected end of stream", "could not find expected ':'")


class UnreadableError(Exception):
    """The rest of the file cannot be understood."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


def place_of(event: yaml.Event) -> Place:
    """Where the event begins."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def events(text: str) -> Iterator[yaml.Event]:
    """PyYAML's events; raises UnreadableError in place of everything that PyYAML may raise."""
    place = (1, 1)
    try:
        for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
            place = place_of(event)
            if count > _MAX_EVENTS:
                raise UnreadableError("the file holds too many values", place)
            yield event
    except yaml.MarkedYAMLError as exc:
        raise UnreadableError(*_explained(exc, place)) from None
    except (yaml.YAMLError, ValueError, OverflowError):  # escapes beyond Unicode reach chr()
        raise UnreadableError("is not YAML from here on", place) from None


def _explained(exc: yaml.MarkedYAMLError, place: Place) -> tuple[str, Place]:
    """PyYAML's complaint in an operator's words."""
    problem = exc.problem or ""
    mark = exc.problem_mark
    if any(piece in problem for piece in _FOUND_LATE):
        mark = exc.context_mark or mark
    known = [words for piece, words in _EXPLANATIONS if piece in problem]
    words = known[0] if known else f"is not YAML: {printable(problem)}"
    return words, (mark.line + 1, mark.column + 1) if mark else place
