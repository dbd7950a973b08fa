"""The configuration as it may be shown: no credential, no key, no secret of a URL."""

from __future__ import annotations

from typing import Any

from config.schema import Config
from config.urls import redacted

HIDDEN = "(hidden)"


def redacted_config(config: Config) -> dict[str, Any]:
    """Ready for JSON. Where secrets are kept is hidden too: whoever reads this need not know."""
    shown = config.model_dump(mode="json")
    for camera in shown["cameras"].values():
        camera["url"] = redacted(camera["url"])
        _hide(camera, "credential")
    _hide(shown["defaults"], "credential")
    _hide(shown["http"], "token")
    if zeromq := shown["sinks"]["zeromq"]:
        for key in zeromq["curve"] or ():
            _hide(zeromq["curve"], key)
    return shown


def _hide(section: dict[str, Any], key: str) -> None:
    if section[key] is not None:
        section[key] = HIDDEN
