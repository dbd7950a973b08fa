"""Which line a value came from, once `defaults` were merged into every camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.document import Document
from config.errors import Fault, KeyPath, path_text


@dataclass(frozen=True, slots=True)
class Provenance:
    """The file that values came from; `name` is how messages call it."""

    name: str
    document: Document

    def written_by(self, path: KeyPath) -> bool:
        """`path` itself stands in the file: it is neither a default of ours nor from `defaults`."""
        return path in self.document

    def origin(self, path: KeyPath) -> KeyPath:
        """`path`, or for a camera's value that came from `defaults` the path there."""
        inherited: KeyPath = ("defaults", *path[2:])
        if path[:1] == ("cameras",) and len(path) > 2 and path not in self.document:
            return inherited if inherited in self.document else path
        return path

    def broken(self, path: KeyPath) -> bool:
        """A fault was already recorded for the value or for something around it."""
        origin = self.origin(path)
        return any(origin[:end] in self.document.broken for end in range(len(origin) + 1))

    def fault(self, path: KeyPath, message: str, *, at_key: bool = False) -> Fault:
        """A fault at the place that `path` was written at; nearest around it if it was not."""
        origin = self.origin(path)
        locate = self.document.locate_key if at_key else self.document.locate
        line, column = locate(origin)
        return Fault(self.name, line, column, path_text(origin), message)


def merge_defaults(value: Any) -> Any:
    """The file's value with `defaults` under every camera: mappings merge, the rest is replaced."""
    if not isinstance(value, dict):
        return value
    cameras, defaults = value.get("cameras"), value.get("defaults")
    if not isinstance(cameras, dict) or not isinstance(defaults, dict):
        return value
    merged = {name: _merged(defaults, camera) for name, camera in cameras.items()}
    return {**value, "cameras": merged}


def _merged(below: Mapping[str, Any], above: Any) -> Any:
    if not isinstance(above, dict):
        return above
    both = {
        key: _merged(below[key], value) if isinstance(below.get(key), dict) else value
        for key, value in above.items()
    }
    return {**below, **both}


def value_at(value: Any, path: KeyPath) -> Any:
    """What stands at `path`, None where nothing does."""
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value
