from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from config.camera import CameraConfig, CameraFields
from config.schema import Config, CurveConfig, HttpConfig, SinksConfig, ZeromqConfig
from config.section import Hidden
from daemon.http.redaction import HIDDEN, redacted_config


def test_nothing_that_opens_a_door_is_shown() -> None:
    config = Config(
        version=1,
        defaults=CameraFields(credential="everywhere-canary"),
        http=HttpConfig(token="file:/etc/canary"),
        cameras={
            "gate": CameraConfig(url="rtsp://10.0.0.5/live", credential="file:/etc/canary"),
            "yard": CameraConfig(url="rtsp://10.0.0.6/live"),
        },
        sinks=SinksConfig(
            zeromq=ZeromqConfig(
                curve=CurveConfig(secret_key=Path("/etc/canary"), clients=Path("/etc/canary.d"))
            )
        ),
    )
    shown = redacted_config(config)
    assert shown["http"]["token"] == HIDDEN
    assert "canary" not in json.dumps(shown)
    assert shown["cameras"]["gate"]["credential"] == HIDDEN
    assert shown["cameras"]["gate"]["url"] == "rtsp://10.0.0.5/live"
    assert shown["cameras"]["yard"]["credential"] is None
    assert shown["model"]["name"] == "efficientdet-lite0"


def test_a_configuration_without_sinks_can_be_shown() -> None:
    config = Config(
        version=1,
        cameras={"gate": CameraConfig(url="rtsp://10.0.0.5/live")},
        sinks=SinksConfig(zeromq=None),
    )
    shown = redacted_config(config)["sinks"]
    assert shown == {"zeromq": None, "jsonl": None, "mqtt": None, "webhook": {}}


def secret_places(section: type[BaseModel], path: str = "") -> Iterator[tuple[str, bool]]:
    """Every field that says where a secret is kept, and whether it is marked."""
    for name, field in section.model_fields.items():
        text = f"{name} {field.description}".lower()
        if re.search(r"credential|secret|token|password|public keys", text) and "str" in str(
            field.annotation
        ):
            yield f"{path}{name}", any(isinstance(mark, Hidden) for mark in field.metadata)
        for inner in re.findall(r"config\.\w+\.\w+", str(field.annotation)):
            module, _, kind = inner.rpartition(".")
            found = getattr(importlib.import_module(module), kind)
            if isinstance(found, type) and issubclass(found, BaseModel):
                yield from secret_places(found, f"{path}{name}.")


def test_every_field_that_says_where_a_secret_is_kept_is_marked() -> None:
    places = dict(secret_places(Config))
    assert {"http.token", "cameras.credential", "defaults.credential"} <= places.keys()
    assert {"sinks.webhook.credential", "sinks.webhook.secret"} <= places.keys()
    unmarked = {place for place, marked in places.items() if not marked}
    harmless = {"cameras.url", "http.allowed_hosts", "sinks.webhook.url"}
    assert unmarked <= harmless, "mark them Hidden()"
