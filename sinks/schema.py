"""The JSON Schema of the messages. `python -m sinks.schema` prints it for messages.schema.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from msgspec.json import schema_components

from sinks.messages import (
    CountMessage,
    DetectionMessage,
    EventMessage,
    HeartbeatMessage,
    StatusMessage,
)

MESSAGES = (DetectionMessage, StatusMessage, HeartbeatMessage, EventMessage, CountMessage)
# What is left out where it does not apply.
OPTIONAL = {
    "DetectionMessage": {"error", "grant"},
    "Detection": {"track", "age_s", "zones", "stationary"},
    "StatusMessage": {"grant"},
    "EventMessage": {"grant", "zone", "line", "direction", "reason"},
    "CountMessage": {"grant"},
}
PUBLISHED = Path(__file__).with_name("messages.schema.json")


def json_schema() -> dict[str, Any]:
    """Of any one message. Fields that a later version adds are allowed."""
    references, definitions = schema_components(MESSAGES, ref_template="#/$defs/{name}")
    for title, definition in definitions.items():
        # A default serves who builds a message; on the wire all other fields are there.
        properties = definition["properties"]
        optional = OPTIONAL.get(title, set())
        definition["required"] = [name for name in properties if name not in optional]
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
