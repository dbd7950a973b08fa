"""A validation error of pydantic in an operator's words. Never repeats the value that was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from config.camera import ASPECT, PICTURE_SIZE
from config.errors import KeyPath
from config.hints import did_you_mean
from config.json_schema import subschema
from config.mqtt import BROKER_HOST, CLIENT_ID, TOPIC_PREFIX
from config.objects import PLACE_NAME
from config.scalars import resolve
from config.schema import CAMERA_NAME, HOST_NAME, NODE_NAME, SHA256
from config.webhook import TIME_OF_DAY

Look = Callable[[KeyPath], Mapping[str, Any]]

_PATTERNS = {
    CAMERA_NAME: "may hold only a-z, 0-9, _ and -, at most 32 characters",
    PLACE_NAME: "may hold only letters, digits, _ and -, at most 32 characters",
    NODE_NAME: "may hold only letters, digits, _ and -, at most 63 characters",
    HOST_NAME: "must be a host name without scheme and port, as in cameras.example.org",
    TIME_OF_DAY: 'must be a time of day in quotes, as in "22:30"',
    BROKER_HOST: "must be a host name or an address, without port",
    TOPIC_PREFIX: "may hold only letters, digits, _ and -, with / between levels",
    CLIENT_ID: "may hold only letters, digits, ., _ and -, at most 128 characters",
    SHA256: "must be a SHA-256 of 64 digits 0-9 and a-f",
    ASPECT: "must be WIDTH:HEIGHT as in 16:9, each less than 100",
    PICTURE_SIZE: "must be WIDTHxHEIGHT in pixels, as in 1280x720",
}
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "path": "a path",
    "list": "a list",
    "dict": "a mapping of names to values",
    "model": "a mapping of names to values",
}
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}
_RENAMED: dict[KeyPath, str] = {("objects", "track"): "labels"}  # section and old name: new name
_OLD_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def describe(
    kind: str,
    context: Mapping[str, Any],
    path: KeyPath,
    value: object,
    look: Look = subschema,
) -> str:
    """What is wrong with `value` at `path`, for pydantic's error type `kind` and its `ctx`; `look`
    finds what the JSON Schema of the file says of a path.
    """
    if kind == "value_error":
        return str(context["error"])
    if kind.endswith("_type") and kind.removesuffix("_type") in _TYPES:
        return _wrong_type(kind.removesuffix("_type"), path, value, look)
    words = _WORDS.get(kind)
    return words(context, path, value, look) if words else "is not valid"


def _wrong_type(wanted: str, path: KeyPath, value: object, look: Look) -> str:
    if value is None:
        return f"has no value: it must be {_TYPES[wanted]}"
    hint = ""
    if wanted in ("int", "float") and isinstance(value, str):
        hint = " (without quotes)" if type(resolve(value)) in (int, float) else ""
    elif wanted == "bool" and isinstance(value, str) and value.lower() in _OLD_BOOLEANS:
        hint = f" (write {_OLD_BOOLEANS[value.lower()]})"
    elif wanted == "string" and isinstance(value, int | float) and "pattern" not in look(path):
        hint = " (put it in quotes)"
    return f"must be {_TYPES[wanted]}{hint}"


def _unknown(_: Mapping[str, Any], path: KeyPath, __: object, look: Look) -> str:
    if path[-2:] in _RENAMED:
        return f"is called `{_RENAMED[path[-2:]]}` now: rename it"
    if path == ("fleet",):
        return "is for many servers: this file is run with `vedette fleet run`"
    known = look(path[:-1]).get("properties", {})
    deeper = [
        f"`{section}.{path[-1]}`"
        for section in known
        if path[-1] in look((*path[:-1], section)).get("properties", {})
    ]
    if deeper and path[-1] not in known:
        return f"is not known here (did you mean {' or '.join(deeper)}?)"
    return f"is not known here{did_you_mean(path[-1], known)}"


def _choice(_: Mapping[str, Any], path: KeyPath, value: object, look: Look) -> str:
    words = [str(word) for word in look(path)["enum"]]
    hint = did_you_mean(value, words)
    return f"must be one of {', '.join(words)}{hint if 'mean' in hint else ''}"


def _range(_: Mapping[str, Any], path: KeyPath, __: object, look: Look) -> str:
    schema = look(path)
    if {"minimum", "maximum"} <= schema.keys():
        return f"must be between {schema['minimum']} and {schema['maximum']}"
    bounds = [f"{words} {schema[key]}" for key, words in _BOUNDS.items() if key in schema]
    return f"must be {' and '.join(bounds)}"


def _text_length(_: Mapping[str, Any], path: KeyPath, __: object, look: Look) -> str:
    schema = look(path)
    most = schema.get("maxLength")
    least = schema.get("minLength", 0)
    return f"must have {least} to {most} characters" if most else "must not be empty"


def _too_few(context: Mapping[str, Any], *_: object) -> str:
    return f"must have at least {_entries(context['min_length'])}"


def _too_many(context: Mapping[str, Any], *_: object) -> str:
    return f"must have at most {_entries(context['max_length'])}"


def _entries(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"


_WORDS: dict[str, Callable[[Mapping[str, Any], KeyPath, object, Look], str]] = {
    "missing": lambda *_: "is missing",
    "extra_forbidden": _unknown,
    "literal_error": _choice,
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal"), _range),
    "finite_number": lambda *_: "must be a finite number",
    "multiple_of": lambda context, *_: f"must be a multiple of {context['multiple_of']}",
    "string_pattern_mismatch": lambda context, *_: _PATTERNS[context["pattern"]],
    "string_too_short": _text_length,
    "string_too_long": _text_length,
    "too_short": _too_few,
    "too_long": _too_many,
}
