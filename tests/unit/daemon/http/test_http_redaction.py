from __future__ import annotations

import json
from pathlib import Path

from config.camera import CameraConfig, CameraFields
from config.schema import Config, CurveConfig, HttpConfig, SinksConfig, ZeromqConfig
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
    assert redacted_config(config)["sinks"] == {"zeromq": None, "jsonl": None}
