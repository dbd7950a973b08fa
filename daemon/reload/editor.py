"""A camera's zones and lines, written into the configuration file by whoever may.

EditError          the file was left as it was, or was put back; says why in a sentence
EditConflictError  the file or the daemon says something else than what was edited

The file is read, changed where the places differ and nowhere else, read again from a copy beside
it and compared, kept as `FILE.bak`, replaced in one step, and loaded as SIGHUP does. Where that is
refused or rolled back, the file becomes what it was.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.camera import CameraConfig
from config.errors import ConfigError
from config.loader import Loaded, load
from config.patch import remove_in, set_in
from config.provenance import value_at
from config.schema import Config
from config.wording import describe
from daemon.books.reports import ConfigReport, ReloadReport
from daemon.reload.history import config_hash

RELOAD_S = 30.0  # for a reload; one that changes zones takes milliseconds
LOOK_S = 0.05
KINDS = ("zones", "lines")

Places = Mapping[str, Mapping[str, Any]]  # name → fields, as in the file


class EditError(Exception):
    """One or several sentences for whoever edits."""


class EditConflictError(EditError):
    """What was edited is not what holds any more."""


class Editor:
    """Any thread; one edit at a time. `reload` asks for what SIGHUP asks for, and returns."""

    def __init__(
        self, path: Path, *, report: Callable[[], ConfigReport], reload: Callable[[], None]
    ) -> None:
        self._path = path
        self._report = report
        self._reload = reload
        self._busy = threading.Lock()

    def write(self, camera: str, places: Mapping[str, Places], *, based_on: str) -> ReloadReport:
        """Make these the camera's `zones` and `lines`, and wait until the daemon has them.
        `based_on` is the hash of the configuration that was edited. Raises EditError.
        """
        with self._busy:
            try:
                return self._write(camera, places, based_on)
            except OSError as error:
                msg = (
                    f"{self._path.name} cannot be written ({error.strerror}). The service may not"
                    " be allowed to: see ReadWritePaths= of its unit, or paste the lines by hand."
                )
                raise EditError(msg) from None

    def _write(self, camera: str, places: Mapping[str, Places], based_on: str) -> ReloadReport:
        before = self._path.read_bytes()
        loaded = self._read(self._path)
        if based_on != self._report().hash or based_on != config_hash(loaded.config):
            msg = "The configuration was changed meanwhile: load the page again."
            raise EditConflictError(msg)
        if camera not in loaded.config.cameras:
            raise EditConflictError("This camera is not in the configuration any more.")
        after = patched(before.decode("utf-8-sig"), camera, _places_of(loaded, camera), places)
        self._check(after, _wanted(loaded.config, camera, places))
        _replace(self._path.with_name(f"{self._path.name}.bak"), before, like=self._path)
        _replace(self._path, after.encode(), like=self._path)
        report = self._loaded_again()
        if report is None or not report.result.is_success:
            _replace(self._path, before, like=self._path)
            faults = "; ".join(report.faults) if report else f"no answer within {RELOAD_S:.0f} s"
            msg = f"The daemon did not take it, and the file is as it was: {faults}"
            raise EditError(msg)
        return report

    def _read(self, path: Path) -> Loaded:
        try:
            return load(path)
        except ConfigError as error:
            faults = "; ".join(str(fault) for fault in error.faults)
            raise EditError(faults.replace(str(path), self._path.name)) from None

    def _check(self, text: str, wanted: Config) -> None:
        """What would be read from this text is what is wanted. Raises EditError."""
        draft = self._path.with_name(f".{self._path.name}.draft")
        try:
            _replace(draft, text.encode(), like=self._path)
            read = self._read(draft).config
        finally:
            draft.unlink(missing_ok=True)
        if read != wanted:
            msg = "This file is laid out in a way that cannot be edited here: paste the lines."
            raise EditError(msg)

    def _loaded_again(self) -> ReloadReport | None:
        """What became of the reload that is asked for now; None where it does not end."""
        before = sum(self._report().reloads.values())
        self._reload()
        until_s = time.monotonic() + RELOAD_S
        while time.monotonic() < until_s:
            report = self._report()
            if sum(report.reloads.values()) > before:
                return report.last_reload
            time.sleep(LOOK_S)
        return None


def patched(
    text: str, camera: str, before: Mapping[str, Places], after: Mapping[str, Places]
) -> str:
    """The text with the places of `after`, changed only where they differ from `before`. Pure.
    Raises EditError.
    """
    try:
        for kind in KINDS:
            text = _patched_kind(text, ("cameras", camera, kind), before[kind], after[kind])
    except KeyError:
        msg = "This file is laid out in a way that cannot be edited here: paste the lines."
        raise EditError(msg) from None
    return text


def _patched_kind(text: str, path: tuple[str, ...], before: Places, after: Places) -> str:
    for name in before:
        if name not in after:
            text = remove_in(text, (*path, name))
    for name, fields in after.items():
        known = before.get(name)
        if known is None:
            text = set_in(text, (*path, name), fields)
            continue
        for field, value in fields.items():
            if field not in known or known[field] != value:
                text = set_in(text, (*path, name, field), value)
        for field in known:
            if field not in fields:
                text = remove_in(text, (*path, name, field))
    return text


def _places_of(loaded: Loaded, camera: str) -> dict[str, Places]:
    """As they are written."""
    written = loaded.source.document.value["cameras"][camera]
    return {kind: written.get(kind) or {} for kind in KINDS}


def _wanted(config: Config, camera: str, places: Mapping[str, Places]) -> Config:
    """Raises EditError for places that cannot be."""
    known = config.cameras[camera].model_dump(by_alias=True, exclude_unset=True)
    try:
        edited = CameraConfig.model_validate({**known, **{kind: places[kind] for kind in KINDS}})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        told = dict.fromkeys(_told(fault, camera, places) for fault in faults)
        raise EditError("; ".join(told)) from None
    return config.model_copy(update={"cameras": {**config.cameras, camera: edited}})


def _told(fault: ErrorDetails, camera: str, places: Mapping[str, Places]) -> str:
    """In the words of a fault of the file."""
    loc = fault["loc"][:-1] if fault["loc"][-1:] == ("[key]",) else fault["loc"]
    context, value = fault.get("ctx", {}), value_at(places, loc)
    words = describe(fault["type"], context, ("cameras", camera, *loc), value)
    return f"{'.'.join(map(str, loc))}: {words}"


def _replace(path: Path, content: bytes, *, like: Path) -> None:
    """Whole or not at all, with the rights of another file. Raises OSError."""
    known = like.stat()
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(path.with_name(part.name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), known.st_mode & 0o777)
            if (known.st_uid, known.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), known.st_uid, known.st_gid)
            os.fsync(file.fileno())
        part.rename(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
