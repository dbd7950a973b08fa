"""Changes of a YAML text that leave every other byte of it as it was: comments, order, quotes.

Nodes are found by the places that PyYAML's scanner gives; only the text between two places is
replaced. A library that reads a file and writes it anew would have to guess how it was laid out.
Whoever uses this reads the result again and compares: see `daemon.reload.editor`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

STEP = 2  # columns of indentation, for what is written new
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_UNSEEN = re.compile(
    "[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_NOT_PLAIN = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def set_in(text: str, path: Sequence[str], value: Any) -> str:
    """The text with this value at this path of mappings; what is missing of the path is made.
    Raises KeyError for a path that leads through what is no mapping.
    """
    node, found = _walk(text, path)
    missing = path[found:]
    if not missing:
        return _replaced(text, node, value)
    for key in reversed(missing[1:]):
        value = {key: value}
    if not isinstance(node, yaml.MappingNode) or (not node.flow_style and not node.value):
        if isinstance(node, yaml.ScalarNode) and node.value == "":
            return _replaced(text, node, {missing[0]: value})
        raise KeyError(*path)
    if node.flow_style:
        at = node.end_mark.index - 1
        separator = ", " if node.value else ""
        before = text[:at].rstrip()
        return f"{before}{separator}{flow({missing[0]: value})[1:-1]}{text[at:]}"
    column = node.start_mark.column
    at = _line_end(text, _end(node))
    end = _newline(text)
    return f"{text[:at]}{end}{block({missing[0]: value}, column, end)}{text[at:]}"


def remove_in(text: str, path: Sequence[str]) -> str:
    """The text without this key; a mapping that had no other goes with it. KeyError for none."""
    parent, found = _walk(text, path[:-1])
    if found < len(path) - 1 or not isinstance(parent, yaml.MappingNode):
        raise KeyError(*path)
    keys = [key.value for key, _ in parent.value]
    here = keys.index(path[-1]) if path[-1] in keys else -1
    if here < 0:
        raise KeyError(*path)
    if len(keys) == 1 and len(path) > 1:
        return remove_in(text, path[:-1])
    key, value = parent.value[here]
    if not parent.flow_style:
        begin = text.rfind("\n", 0, key.start_mark.index) + 1
        end = _line_end(text, _end(value))
        return text[:begin] + text[end:].removeprefix("\r").removeprefix("\n")
    begin, end = key.start_mark.index, _end(value)
    if here + 1 < len(keys):
        end = parent.value[here + 1][0].start_mark.index
    elif here:
        begin = _end(parent.value[here - 1][1])
    return text[:begin] + text[end:]


def block(value: Mapping[str, Any], column: int, newline: str = "\n") -> str:
    """Lines of a mapping, indented by `column`; mappings in it as lines too, all else in one."""
    lines = []
    for key, inner in value.items():
        head = f"{' ' * column}{_scalar(key)}:"
        if isinstance(inner, Mapping) and inner:
            lines += [head, block(inner, column + STEP, newline)]
        else:
            lines.append(f"{head} {flow(inner)}")
    return newline.join(lines)


def flow(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_scalar(key)}: {flow(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(flow(one) for one in value)}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    is_plain = isinstance(value, str) and _PLAIN.fullmatch(value)
    if is_plain and value.lower() not in _NOT_PLAIN:
        return str(value)
    return _UNSEEN.sub(_escaped, json.dumps(value, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    return f"\\U{ord(match[0]):08x}"


def _walk(text: str, path: Sequence[str]) -> tuple[yaml.Node, int]:
    """The deepest node on the path that is there, and how many keys led to it."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        raise KeyError(*path)
    for depth, key in enumerate(path):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        inner = next((value for name, value in pairs if name.value == key), None)
        if inner is None:
            return node, depth
        node = inner
    return node, len(path)


def _replaced(text: str, node: yaml.Node, value: Any) -> str:
    """In one line after its key; where a comment stands between them, in the line below it."""
    begin, end = node.start_mark.index, _end(node)
    colon = text.rfind(":", 0, begin) if begin else -1
    between = text[colon + 1 : begin]
    if begin == end and text[begin - 1 : begin] == ":":  # an empty value
        return f"{text[:begin]} {flow(value)}{text[begin:]}"
    is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    if between.strip() or not is_block:
        return f"{text[:begin]}{flow(value)}{text[end:]}"
    return f"{text[: colon + 1]} {flow(value)}{text[end:]}"


def _end(node: yaml.Node) -> int:
    """Where the text of a node ends: PyYAML counts what follows a block to it, comments too."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _line_end(text: str, at: int) -> int:
    if at and text[at - 1] == "\n":  # a block scalar ends with its line
        return at - 1
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
