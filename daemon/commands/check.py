"""`vedette check CONFIG`: every fault of a file with its line, in under half a second.

Faults make the file unusable (exit 78); warnings are about the machine, such as a missing file.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.camera import CameraConfig
from config.credentials import credentials_directory, is_hidden, resolve, resolve_secret
from config.errors import ConfigError, CredentialError, Fault, KeyPath
from config.loader import Loaded, load
from config.schema import ZeromqConfig
from config.urls import NETWORK_SCHEMES, local_path, scheme_of
from daemon.console import complain, complain_of, say
from daemon.diagnosis.files import file_fault
from daemon.reload.access import check_token
from daemon.reload.labels import check_labels
from detector.api import ModelError
from detector.build import labels_of


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "check",
        help="check a configuration file",
        description="Names every fault of CONFIG with its line. Starts nothing. Exit code 78"
        " for a file that cannot be used; warnings leave it 0.",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the YAML file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the verdict; returns the exit code."""
    try:
        loaded = load(args.config)
        credentials = credentials_directory()
        if not is_hidden(loaded.config.http.token, credentials):
            check_token(loaded, credentials)
        warnings = [
            *_camera_warnings(loaded, credentials),
            *_webhook_warnings(loaded, credentials),
            *_folder_warnings(loaded),
        ]
        try:
            model = loaded.config.model
            check_labels(loaded, labels_of(model.name, model.weights))
        except ModelError as exc:
            warnings.append(_warning(loaded, ("model", "weights"), str(exc)))
    except ConfigError as error:
        return complain_of(error)
    for warning in warnings:
        complain(str(warning))
    say(f"{args.config}: ok ({_summary(loaded)})")
    return os.EX_OK


def _camera_warnings(loaded: Loaded, directory: Path | None) -> Iterator[Fault]:
    """What an enabled camera needs and this machine does not have."""
    token = loaded.config.http.token
    unchecked: KeyPath | None = ("http", "token") if is_hidden(token, directory) else None
    for name, camera in loaded.config.cameras.items():
        if not camera.enabled:
            continue
        scheme = scheme_of(camera.url)
        if fault := _local_fault(camera):
            yield _warning(loaded, ("cameras", name, "url"), fault)
        if camera.credential is None or scheme not in NETWORK_SCHEMES:
            continue
        path = ("cameras", name, "credential")
        if is_hidden(camera.credential, directory):
            unchecked = unchecked or path
            continue
        try:
            resolve(camera.credential, directory=directory)
        except CredentialError as exc:
            yield _warning(loaded, path, str(exc))
    if unchecked:
        message = "$CREDENTIALS_DIRECTORY is not set: systemd credentials are not checked"
        yield _warning(loaded, unchecked, message)


def _webhook_warnings(loaded: Loaded, directory: Path | None) -> Iterator[Fault]:
    """Credentials that cannot be read: the daemon would not start."""
    for name, hook in loaded.config.sinks.webhook.items():
        for field, reference in (("credential", hook.credential), ("secret", hook.secret)):
            if reference is None or is_hidden(reference, directory):
                continue
            try:
                resolve_secret(reference, directory=directory)
            except CredentialError as exc:
                yield _warning(loaded, ("sinks", "webhook", name, field), str(exc))


def _local_fault(camera: CameraConfig) -> str | None:
    scheme, path = scheme_of(camera.url), local_path(camera.url)
    if scheme == "file":
        return file_fault(path)
    if scheme == "v4l2" and not os.access(path, os.R_OK):
        return "is not there or cannot be read"
    return None


def _folder_warnings(loaded: Loaded) -> Iterator[Fault]:
    config = loaded.config
    folder = config.recordings.folder
    if folder is not None and not os.access(folder, os.W_OK | os.X_OK):
        message = "is not there or cannot be written: nothing would be recorded"
        yield _warning(loaded, ("recordings", "folder"), message)


def _warning(loaded: Loaded, path: tuple[str | int, ...], message: str) -> Fault:
    return loaded.fault(path, f"warning: {message}")


def _summary(loaded: Loaded) -> str:
    config = loaded.config
    count = sum(camera.enabled for camera in config.cameras.values())
    parts = [f"{count} camera{'s' * (count != 1)}", config.model.name]
    if config.sinks.zeromq:
        parts.append(_zeromq_summary(config.sinks.zeromq))
    if config.sinks.jsonl:
        parts.append(str(config.sinks.jsonl.path))
    parts += [f"webhook {name}" for name in config.sinks.webhook]
    return ", ".join([*parts, f"http://{config.http.listen}"])


def _zeromq_summary(zeromq: ZeromqConfig) -> str:
    return f"to {', '.join(zeromq.connect.to)}" if zeromq.connect else zeromq.bind
