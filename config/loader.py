"""From the YAML file to a `Config`, or to all of its faults at once with their places."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.camera import CameraConfig
from config.checks import camera_breaches, port_breaches, tile_breaches, webhook_breaches
from config.document import parse
from config.errors import ConfigError, Fault, FieldsError, KeyPath, path_text, printable
from config.json_schema import subschema
from config.provenance import Provenance, merge_defaults, value_at
from config.schema import BatchingConfig, Config, HttpConfig, ModelConfig, SinksConfig
from config.section import Section
from config.text import TextError, read_text
from config.wording import describe

AnySection = TypeVar("AnySection", bound=Section)
Breaches = Callable[
    [Any, AnySection | None, Provenance, dict[str, Any]], Iterable[tuple[KeyPath, str]]
]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file without faults."""

    config: Config
    path: Path
    source: Provenance = field(repr=False)

    def fault(self, path: KeyPath, message: str) -> Fault:
        """A fault that only others can find, such as a label that the model does not know."""
        return self.source.fault(path, message)


def load(path: str | Path, env: Mapping[str, str] = os.environ) -> Loaded:
    """Read, expand from `env`, validate. Raises ConfigError with every fault, sorted by line."""
    path = Path(path)
    config, source = load_as(Config, path, env, raw_of=merge_defaults, breaches=cross_breaches)
    return Loaded(config, path, source)


def load_as(
    kind: type[AnySection],
    path: Path,
    env: Mapping[str, str] = os.environ,
    *,
    raw_of: Callable[[Any], Any] = lambda value: value,
    breaches: Breaches[AnySection] = lambda _raw, _config, _source, _context: (),
) -> tuple[AnySection, Provenance]:
    """A file of any kind. `raw_of` makes what is validated of what was written; `breaches` are
    rules across sections, looked at also where a section has faults and there is no configuration.
    Raises ConfigError.
    """
    name = printable(str(path))
    try:
        document = parse(read_text(path), env)
    except TextError as exc:
        raise ConfigError((Fault(name, exc.line, exc.column, "", str(exc)),)) from None
    source = Provenance(name, document)
    faults = {
        Fault(name, *place, path_text(where), message) for place, where, message in document.faults
    }
    config = None
    if document.value is None and not faults:
        faults.add(Fault(name, 0, 0, "", "is empty"))
    elif not source.broken(()):
        raw, context = raw_of(document.value), {"directory": path.absolute().parent}
        config, found = _validated(kind, raw, source, context)
        faults.update(found)
        faults.update(source.fault(*breach) for breach in breaches(raw, config, source, context))
    if faults or config is None:
        raise ConfigError(tuple(sorted(faults, key=_reading_order)))
    return config, source


def _reading_order(fault: Fault) -> tuple[int, int, str, str]:
    return fault.line, fault.column, fault.path, fault.message


def _validated(
    kind: type[AnySection], raw: Any, source: Provenance, context: dict[str, Any]
) -> tuple[AnySection | None, list[Fault]]:
    try:
        return kind.model_validate(raw, context=context), []
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_input=False)
    look = partial(subschema, kind=kind)
    return None, [fault for error in errors for fault in _translated(error, raw, source, look)]


def _translated(
    error: ErrorDetails, raw: Any, source: Provenance, look: Callable[[KeyPath], Mapping[str, Any]]
) -> Iterator[Fault]:
    path: KeyPath = error["loc"]
    at_key = path[-1:] == ("[key]",)
    if at_key:
        path = path[:-1]
    context = error.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, FieldsError):
        fields: list[KeyPath] = [(*path, field) for field in cause.fields]
        path = min(fields, key=lambda field: _distance(field, source))
    unknown = error["type"] == "extra_forbidden"
    if not source.broken(path[:-1] if unknown else path):
        message = describe(error["type"], context, path, value_at(raw, path), look)
        yield source.fault(path, message, at_key=at_key or unknown)


def _distance(path: KeyPath, source: Provenance) -> int:
    """0 where it is written, 1 where `defaults` say it, 2 where our own default holds."""
    if source.written_by(path):
        return 0
    return 1 if source.written_by(source.origin(path)) else 2


def cross_breaches(
    raw: Any, config: Config | None, source: Provenance, context: dict[str, Any]
) -> Iterator[tuple[KeyPath, str]]:
    """Also run for a file with faults, on those sections that have none."""
    sections = _sections(raw, context) if config is None else config
    cameras, sinks, http = sections.cameras, sections.sinks, sections.http
    yield from camera_breaches(cameras, source)
    if sections.model and sections.batching:
        yield from tile_breaches(cameras, sections.model, sections.batching)
    if sinks and http:
        yield from port_breaches(sinks.zeromq, http, source)
    if sinks and cameras:
        yield from webhook_breaches(sinks.webhook, cameras)


@dataclass(frozen=True, slots=True)
class _Sections:
    """What of a file with faults has none."""

    cameras: dict[str, CameraConfig]
    model: ModelConfig | None
    batching: BatchingConfig | None
    sinks: SinksConfig | None
    http: HttpConfig | None


def _sections(raw: Any, context: dict[str, Any]) -> _Sections:
    entries = value_at(raw, ("cameras",))
    cameras = {
        name: camera
        for name, entry in (entries.items() if isinstance(entries, dict) else ())
        if (camera := _section(CameraConfig, entry, context)) is not None
    }
    return _Sections(
        cameras,
        _section(ModelConfig, value_at(raw, ("model",)) or {}, context),
        _section(BatchingConfig, value_at(raw, ("batching",)) or {}, context),
        _section(SinksConfig, value_at(raw, ("sinks",)) or {}, context),
        _section(HttpConfig, value_at(raw, ("http",)) or {}, context),
    )


def _section(kind: type[AnySection], raw: Any, context: dict[str, Any]) -> AnySection | None:
    try:
        return kind.model_validate(raw, context=context)
    except ValidationError:
        return None
