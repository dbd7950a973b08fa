"""XML from strangers as a small tree: no document type, no entities, bounded in every direction.

Namespaces are dropped: ONVIF devices use any prefix, and what is looked for is unique without.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

MOST_BYTES = 1_000_000

_DEEPEST = 40
_MOST_NODES = 20_000
_LONGEST = 8192  # characters of one node's text


class XmlError(ValueError):
    """What came is no XML that is read here; the text holds nothing of it."""


@dataclass(slots=True)
class Node:
    """One element; names are without their namespace."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, *path: str) -> Iterator[Node]:
        """Every element that this way of names leads to, from the children of this one on."""
        first, *rest = path
        for child in self.children:
            if child.name == first:
                if rest:
                    yield from child.all(*rest)
                else:
                    yield child

    def find(self, *path: str) -> Node | None:
        return next(self.all(*path), None)

    def said(self, *path: str) -> str:
        """The text there, without space around it; empty where there is none."""
        found = self.find(*path)
        return "" if found is None else found.text.strip()

    def below(self, name: str) -> Node | None:
        """The first element of that name at any depth, in order of the document."""
        for child in self.children:
            found = child if child.name == name else child.below(name)
            if found is not None:
                return found
        return None


def parse(data: bytes) -> Node:
    """The document's element. Raises XmlError."""
    if len(data) > MOST_BYTES:
        raise XmlError("too much XML")
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        words = str(error) if isinstance(error, XmlError) else "no XML"
    else:
        return builder.root()
    raise XmlError(words)


class _Builder:
    def __init__(self) -> None:
        self._top = Node("")
        self._open = [self._top]
        self._count = 0

    def root(self) -> Node:
        if not self._top.children:
            raise XmlError("no XML")
        return self._top.children[0]

    def refuse(self, *_: object) -> None:
        raise XmlError("XML with a document type")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_NODES or len(self._open) > _DEEPEST:
            raise XmlError("XML without end")
        plain = {_plain(key): value for key, value in attributes.items()}
        node = Node(_plain(name), plain)
        self._open[-1].children.append(node)
        self._open.append(node)

    def end(self, _: str) -> None:
        self._open.pop()

    def text(self, data: str) -> None:
        node = self._open[-1]
        if len(node.text) < _LONGEST:
            node.text += data[: _LONGEST - len(node.text)]


def _plain(name: str) -> str:
    return name.rpartition(" ")[2]
