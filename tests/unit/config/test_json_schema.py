"""The JSON Schema that editors use: up to date, and of one mind with the loader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import config
from config.document import parse
from config.json_schema import json_schema, schema_text, subschema
from config.loader import load

FOLDER = Path(config.__file__).parent
RULE = ("sinks", "webhook", "a", "rules", 0)
BASES: tuple[tuple[str | int, ...], ...] = (
    (),
    ("cameras", "a"),
    ("sinks", "jsonl"),
    ("sinks", "webhook", "a"),
    RULE,
)
EXAMPLES = sorted(FOLDER.glob("*.yaml"))


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def test_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_committed_copy_is_current() -> None:
    committed = (FOLDER / "vedette.schema.json").read_text()
    assert committed == schema_text(), "run: vedette schema > config/vedette.schema.json"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_load_and_agree_with_the_schema(path: Path) -> None:
    assert load(path, {}).config.cameras
    validator().validate(parse(path.read_text(), {}).value)
    assert path.read_text().startswith("# yaml-language-server: $schema=vedette.schema.json\n")


def test_there_are_examples() -> None:
    assert {"demo.yaml", "example.yaml"} <= {path.name for path in EXAMPLES}


def test_example_shows_every_field_there_is() -> None:
    given = parse((FOLDER / "example.yaml").read_text(), {}).value
    camera: dict[str, Any] = {}
    for entry in [given["defaults"], *given["cameras"].values()]:
        camera |= entry
    missing = [
        ".".join(path)
        for path in _fields()
        if path[0] not in ("defaults", "cameras", "sinks") and not _has(given, path)
    ]
    missing += [".".join(path) for path in _fields(("cameras", "gate")) if not _has(camera, path)]
    missing += [
        ".".join(path)
        for path in _fields(("sinks", "jsonl"))
        if not _has(given["sinks"]["jsonl"], path)
    ]
    hook = given["sinks"]["webhook"]["phone"]
    missing += [
        ".".join(path) for path in _fields(("sinks", "webhook", "phone")) if not _has(hook, path)
    ]
    missing += [".".join(path) for path in _fields(RULE) if not _has(hook["rules"][0], path)]
    assert missing == []


def test_demo_needs_nothing_but_what_is_shipped() -> None:
    loaded = load(FOLDER / "demo.yaml", {})
    assert loaded.config.cameras["street"].url == f"file://{FOLDER}/demo/street.mp4"
    assert (FOLDER / "demo/street.mp4").is_file()
    assert loaded.config.model.weights == "bundled"


@pytest.mark.parametrize(
    "document",
    [
        {"version": 2, "cameras": {"a": {"url": "rtsp://h/"}}},
        {"version": 1, "cameras": {}},
        {"version": 1, "cameras": {"Gate": {"url": "rtsp://h/"}}},
        {"version": 1, "cameras": {"a": {"url": "ftp://h/"}}},
        {"version": 1, "cameras": {"a": {}}},
        {"version": 1, "cameras": {"a": {"url": "rtsp://h/", "fps": 5}}},
        {"version": 1, "cameras": {"a": {"url": "rtsp://h/", "transport": "upd"}}},
        {"version": 1, "cameras": {"a": {"url": "rtsp://h/"}}, "model": {"name": "yolo"}},
        {"version": 1, "cameras": {"a": {"url": "rtsp://h/"}}, "defaults": {"url": "rtsp://h/"}},
        {"version": 1, "cameras": {"a": {"url": "rtsp://h/"}}, "http": {"listen": "here"}},
    ],
)
def test_editor_flags_what_the_loader_refuses(document: dict[str, Any]) -> None:
    assert not validator().is_valid(document)


def test_editor_accepts_a_variable_as_an_address() -> None:
    document = {
        "version": 1,
        "cameras": {"a": {"url": "${GATE}"}},
        "http": {"listen": "${LISTEN:-127.0.0.1:9464}"},
    }
    validator().validate(document)


def test_every_field_is_described() -> None:
    bare = [".".join(path) for base in BASES for path in _fields(base) if not _described(path)]
    assert bare == []


def test_what_the_schema_does_not_know_is_empty() -> None:
    assert subschema(("nothing", "at", 0, "all")) == {}


def _fields(below: tuple[str | int, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths relative to `below`, down to the values; labels of `filters` are skipped."""
    for name, node in subschema(below).get("properties", {}).items():
        path = (*below, name)
        inner = list(_fields(path)) if node.get("type") != "array" else []
        yield from ((name, *tail) for tail in inner) if inner else [(name,)]


def _has(value: Any, path: tuple[str, ...]) -> bool:
    for step in path:
        if value is None:
            return True  # a section that is turned off
        if step not in value:
            return False
        value = value[step]
    return True


def _described(path: tuple[str, ...]) -> bool:
    for base in BASES:
        parent = subschema((*base, *path[:-1])).get("properties", {})
        if path[-1] in parent:
            node = parent[path[-1]]
            return "description" in node or "description" in subschema((*base, *path))
    return False
