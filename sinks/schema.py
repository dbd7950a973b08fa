"""The JSON Schema of the messages. `python -m sinks.schema` prints it for messages.schema.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from msgspec.json import schema_components

from sinks.messages import DetectionMessage, HeartbeatMessage, StatusMessage

PUBLISHED = Path(__file__).with_name("messages.schema.json")


def json_schema() -> dict[str, Any]:
    """Of any one message. Fields that a later version adds are allowed."""
    references, definitions = schema_components(
        [DetectionMessage, StatusMessage, HeartbeatMessage], ref_template="#/$defs/{name}"
    )
    for definition in definitions.values():
        # A default serves who builds a message; on the wire every field but `error` is there.
        properties = definition["properties"]
        definition["required"] = [name for name in properties if name != "error"]
        for field in properties.values():
            field.pop("default", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vedette message, version 1",
        "anyOf": list(references),
        "$defs": definitions,
    }


def text() -> str:
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
