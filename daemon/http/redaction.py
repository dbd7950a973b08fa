"""The configuration as it may be shown: no credential, no key, no secret of a URL."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from config.schema import Config
from config.section import Hidden
from config.urls import redacted

HIDDEN = "(hidden)"


def redacted_config(config: Config) -> dict[str, Any]:
    """Ready for JSON. Where secrets are kept is hidden too: whoever reads this need not know."""
    return _section(config)


def _section(section: BaseModel) -> dict[str, Any]:
    plain = section.model_dump(mode="json")
    shown = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        hidden = any(isinstance(mark, Hidden) for mark in field.metadata)
        shown[name] = HIDDEN if hidden and value is not None else _shown(value, plain[name])
    return shown


def _shown(value: object, plain: Any) -> Any:
    """`plain` is the value as JSON."""
    if isinstance(value, BaseModel):
        return _section(value)
    if isinstance(value, dict):
        return {key: _shown(each, plain[key]) for key, each in value.items()}
    return redacted(plain) if isinstance(plain, str) else plain
