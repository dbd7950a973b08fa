"""The YAML that we accept, with the place of everything in it.

A subset of YAML 1.2: one document of mappings, lists and scalars. Aliases, anchors, tags, merge
keys and duplicate keys are faults: they surprise readers and make small files explode. Built on
events, so that neither PyYAML's YAML 1.1 types nor its recursion are ever reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from config.errors import KeyPath
from config.scalars import ExpansionError, expand, is_one_variable, resolve
from config.yaml_events import Place, UnreadableError, events, place_of

_MAX_DEPTH = 32


@dataclass(slots=True)
class Document:
    """The values of the file, the places they stand at, and what is wrong with its YAML.

    `broken` are paths whose value could not be understood: a fault was already recorded there.
    """

    value: Any = None
    faults: list[tuple[Place, KeyPath, str]] = field(default_factory=list)
    broken: set[KeyPath] = field(default_factory=set)
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    values: dict[KeyPath, Place] = field(default_factory=dict)

    def __contains__(self, path: KeyPath) -> bool:
        return path in self.values

    def locate(self, path: KeyPath) -> Place:
        """Where the value of `path` stands; for what is not written, where it would belong."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, (1, 1))

    def locate_key(self, path: KeyPath) -> Place:
        """Where the name of `path` stands in its mapping."""
        return self.keys.get(path) or self.locate(path)


def parse(text: str, env: Mapping[str, str]) -> Document:
    """Never raises: what is wrong is in `faults` of the document."""
    builder = _Builder(text, env)
    builder.build()
    return builder.document


class _Builder:
    """One pass over the events of one file."""

    def __init__(self, text: str, env: Mapping[str, str]) -> None:
        self.document = Document()
        self._events = events(text)
        self._env = env

    def build(self) -> None:
        document = self.document
        try:
            for event in self._events:
                if isinstance(event, yaml.DocumentStartEvent):
                    if () in document:
                        self._fault(event, (), "a second document begins here: only one is allowed")
                        return
                    document.value = self._value(next(self._events), (), (1, 1))
        except UnreadableError as exc:
            document.faults.append((exc.place, (), str(exc)))
            document.broken.add(())

    def _value(self, event: yaml.Event, path: KeyPath, parent: Place) -> Any:
        """The value that begins with `event`; `parent` is the place of its key."""
        block = isinstance(event, yaml.CollectionStartEvent) and not event.flow_style
        self.document.values[path] = parent if block else place_of(event)
        if isinstance(event, yaml.AliasEvent):
            return self._broken(event, path, "aliases (*name) are not allowed: write the value out")
        if getattr(event, "anchor", None) is not None:
            self._fault(event, path, "anchors (&name) are not allowed")
        if getattr(event, "tag", None) is not None:
            self._broken(event, path, "tags (!name) are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        _refuse_depth(len(path), event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> Any:
        text: str = event.value
        if "$" in text:
            try:
                text = expand(text, self._env)
            except ExpansionError as exc:
                return self._broken(event, path, str(exc))
        if not text.isprintable():
            return self._broken(event, path, "holds a line break or an invisible character")
        plain = not event.style and ("$" not in event.value or is_one_variable(event.value))
        return resolve(text) if plain else text

    def _sequence(self, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._value(event, (*path, len(items)), place_of(event)))
        return items

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, path)
            if key is None:
                self._skip(next(self._events))
                continue
            at = (*path, key)
            if key in entries:
                line, _column = self.document.keys[at]
                self._fault(event, at, f"is given twice (first in line {line})")
                self._skip(next(self._events))
                continue
            self.document.keys[at] = place_of(event)
            entries[key] = self._value(next(self._events), at, place_of(event))
        return entries

    def _key(self, event: yaml.Event, path: KeyPath) -> str | None:
        """The key as text, whatever it looks like; None after recording a fault."""
        if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
            self._skip(event)
            self._fault(event, path, "a key must be a plain word")
            return None
        key: str = event.value
        if key == "<<" and not event.style:
            self._broken(event, path, "merge keys (<<) are not allowed: use `defaults`")
            return None
        if not key or not key.isprintable():
            self._fault(event, path, "a key is empty or holds an invisible character")
            return None
        return key

    def _skip(self, event: yaml.Event) -> None:
        """Pass over the value that begins with `event`."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            _refuse_depth(depth, event)
            event = next(self._events)

    def _fault(self, event: yaml.Event, path: KeyPath, message: str) -> None:
        self.document.faults.append((place_of(event), path, message))

    def _broken(self, event: yaml.Event, path: KeyPath, message: str) -> Any:
        """Record a fault that leaves no value, and stand in for that value."""
        self._fault(event, path, message)
        self.document.broken.add(path)


def _refuse_depth(depth: int, event: yaml.Event) -> None:
    """PyYAML's scanner needs time in proportion to the depth for every character."""
    if depth >= _MAX_DEPTH:
        message = f"the file is nested deeper than {_MAX_DEPTH} levels"
        raise UnreadableError(message, place_of(event))
