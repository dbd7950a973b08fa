"""The JSON Schema of the configuration file: for editors, and for the words of a fault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from config.errors import KeyPath
from config.schema import Config
from config.section import Section


class _Generator(GenerateJsonSchema):
    """Without what an editor would only repeat: titles of fields, defaults of whole sections."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if isinstance(schema.get("default"), BaseModel):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def generate(self, schema: CoreSchema, mode: Any = "validation") -> JsonSchemaValue:
        whole = super().generate(schema, mode)
        if "cameras" in whole["properties"]:
            whole["properties"]["cameras"]["additionalProperties"] = False
        head = {"$schema": self.schema_dialect, "title": "vedette configuration"}
        return {**head, **{key: whole[key] for key in whole if key != "title"}}


def json_schema() -> dict[str, Any]:
    """A new copy, draft 2020-12."""
    return Config.model_json_schema(schema_generator=_Generator)


def schema_text() -> str:
    """As it is printed, and committed as `config/vedette.schema.json`."""
    return json.dumps(json_schema(), indent=2) + "\n"


@cache
def _whole(kind: type[Section]) -> dict[str, Any]:
    return kind.model_json_schema(schema_generator=_Generator)


def subschema(path: KeyPath, kind: type[Section] = Config) -> Mapping[str, Any]:
    """What the schema of such a file says of the value at `path`; empty for what it does not
    know.
    """
    node = whole = _whole(kind)
    for step in path:
        node = _plain(node, whole)
        if isinstance(step, int):
            node = node.get("items", {})
        elif step in node.get("properties", {}):
            node = node["properties"][step]
        else:
            named = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
            node = next((entry for entry in named if isinstance(entry, dict)), {})
    return _plain(node, whole)


def _plain(node: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Past references and `or null`; what stands beside a reference wins."""
    for choice in node.get("anyOf", []):
        if choice.get("type") != "null":
            return _plain(choice, whole)
    if "$ref" in node:
        return _plain(whole["$defs"][node["$ref"].rpartition("/")[2]], whole)
    return node
