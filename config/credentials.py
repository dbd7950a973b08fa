"""Secrets are kept in files of their own and read when they are used, never configured.

A reference is the name of a systemd credential (`LoadCredential=NAME:/path`), or `file:PATH` of
a file that only the daemon may read. Either holds one line: `user:password` of a camera, the
access token of the HTTP listener, or what a webhook's receiver is given.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, SecretStr, ValidationInfo

from config.errors import CredentialError, printable
from config.files import UnusableFileError, read_small_file
from config.paths import absolute

MAX_BYTES = 4096
MOST_NAMED = 8  # credentials in a message

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_ACCESS = re.compile(r"[!-~]{16,256}")
_ACCESS_SHAPE = "a token of 16 to 256 printable characters (openssl rand -hex 32)"
_SECRET = re.compile(r"[!-~]{1,512}")
_SECRET_SHAPE = "1 to 512 printable characters without spaces"  # noqa: S105
_OPEN_TO_OTHERS = 0o027  # more than owner and reading group: anything beyond mode 0640


@dataclass(frozen=True, slots=True)
class Credential:
    """What a camera asks for. Neither `repr` nor `str` shows any of it."""

    user: str = field(repr=False)
    password: SecretStr


def credentials_directory() -> Path | None:
    """Where systemd puts the credentials of its service; None outside of one."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(directory) if directory else None


def is_hidden(reference: str | None, directory: Path | None) -> bool:
    """Whether only the service is given it, and this process is not the service."""
    return reference is not None and directory is None and not reference.startswith("file:")


def resolve(reference: str, *, directory: Path | None) -> Credential:
    """Read a camera's login; `directory` is $CREDENTIALS_DIRECTORY. Raises CredentialError."""
    line, shown = _line_of(reference, directory, "user:password")
    user, colon, password = line.partition(":")
    if not colon or not user:
        raise _misshapen(shown, "user:password")
    return Credential(user, SecretStr(password))


def resolve_token(reference: str, *, directory: Path | None) -> SecretStr:
    """Read an access token; `directory` is $CREDENTIALS_DIRECTORY. Raises CredentialError."""
    line, shown = _line_of(reference, directory, _ACCESS_SHAPE)
    if not _ACCESS.fullmatch(line):
        raise _misshapen(shown, _ACCESS_SHAPE)
    return SecretStr(line)


def resolve_secret(reference: str, *, directory: Path | None) -> SecretStr:
    """Read a key, a token or user:password of somebody else's making; `directory` is
    $CREDENTIALS_DIRECTORY. Raises CredentialError.
    """
    line, shown = _line_of(reference, directory, _SECRET_SHAPE)
    if not _SECRET.fullmatch(line):
        raise _misshapen(shown, _SECRET_SHAPE)
    return SecretStr(line)


def _line_of(reference: str, directory: Path | None, shape: str) -> tuple[str, str]:
    """The one line that a validated reference leads to, and the name of its file for messages."""
    if reference.startswith("file:"):
        path = Path(reference.removeprefix("file:"))
    elif directory is None:
        msg = (
            f"credential {reference}: $CREDENTIALS_DIRECTORY is not set (run as a systemd service"
            f" with LoadCredential={reference}:/path/to/file, or write file:PATH in its place)"
        )
        raise CredentialError(msg)
    else:
        path = directory / reference
    shown = printable(str(path))
    try:
        content, mode = read_small_file(path, MAX_BYTES)
    except UnusableFileError as exc:
        msg = f"credential file {shown} {exc}{_others(reference, directory)}"
        raise CredentialError(msg) from None
    if mode & _OPEN_TO_OTHERS and reference.startswith("file:"):
        msg = f"credential file {shown} is open to others, mode {mode:04o} (chmod 600 {shown})"
        raise CredentialError(msg)
    return _only_line(content, shown, shape), shown


def _others(reference: str, directory: Path | None) -> str:
    """What systemd gave the service in its place; names only."""
    if directory is None or reference.startswith("file:") or (directory / reference).exists():
        return ""
    try:
        given = sorted(path.name for path in directory.iterdir())
    except OSError:
        return ""
    if not given:
        return " (the service was given none)"
    named = ", ".join(map(printable, given[:MOST_NAMED]))
    return f" (the service was given {named}{', …' if len(given) > MOST_NAMED else ''})"


def _only_line(content: bytes, shown: str, shape: str) -> str:
    try:
        line = content.decode()
    except UnicodeDecodeError:
        msg = f"credential file {shown} is not UTF-8"
        raise CredentialError(msg) from None
    line = line.removesuffix("\n").removesuffix("\r")
    if "\n" in line or "\r" in line:
        raise _misshapen(shown, shape)
    return line


def _misshapen(shown: str, shape: str) -> CredentialError:
    return CredentialError(f"credential file {shown} must hold one line: {shape}")


def _checked_reference(reference: str, info: ValidationInfo) -> str:
    if reference.startswith("file:"):
        path = reference.removeprefix("file:").strip()
        if not path.strip("/"):
            raise ValueError("needs a path after file:")
        return f"file:{absolute(Path(path), info)}"
    if not _NAME.fullmatch(reference):
        raise ValueError(
            "must be the name of a systemd credential, or file:PATH (a password does not belong"
            " in this file)"
        )
    return reference


CredentialReference = Annotated[str, AfterValidator(_checked_reference)]
