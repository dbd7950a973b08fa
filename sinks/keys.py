"""CURVE key files, in the format that pyzmq, czmq and zeromq.js tools share.

KeyFileError   a key file cannot be read, written, or trusted
"""

from __future__ import annotations

import stat
from pathlib import Path

import zmq
from zmq.auth import load_certificate

PUBLIC_SUFFIX = ".key"
KEY_CHARACTERS = 40  # of a 32 byte key in Z85


class KeyFileError(Exception):
    """One line that names the file."""


def create_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """Write `NAME.key` (0644, to hand out) and `NAME.key_secret` (0600); returns both paths.

    Raises KeyFileError; never replaces a file.
    """
    public_path = folder / f"{name}{PUBLIC_SUFFIX}"
    secret_path = folder / f"{name}.key_secret"
    public, secret = (key.decode() for key in zmq.curve_keypair())
    public_text = f'metadata\ncurve\n    public-key = "{public}"\n'
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(secret_path, f'{public_text}    secret-key = "{secret}"\n', 0o600)
        try:
            _write_new(public_path, public_text, 0o644)
        except OSError:
            secret_path.unlink()
            raise
    except FileExistsError as error:
        msg = f"{error.filename} exists; keys are never replaced: move it away or take another name"
        raise KeyFileError(msg) from error
    except OSError as error:
        msg = f"{error.filename or folder} cannot be written: {error.strerror}"
        raise KeyFileError(msg) from error
    return public_path, secret_path


def load_secret(path: Path) -> tuple[bytes, bytes]:
    """Public and secret key, Z85. Raises KeyFileError, also where others could read the file.

    The group may: systemd hands a credential to a service's user by an ACL, and the file's mode
    shows the mask of that ACL in its group bits.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        public, secret = load_certificate(path)
    except (OSError, ValueError) as error:
        raise KeyFileError(_unreadable(path, error)) from error
    if mode & 0o027:
        msg = f"{path} is open to others (mode {mode:04o}): chmod 600 it and make a new key"
        raise KeyFileError(msg)
    if secret is None:
        msg = f"{path} has no secret-key in it: it is the public half"
        raise KeyFileError(msg)
    _check(path, public)
    _check(path, secret)
    return public, secret


def load_public(path: Path) -> bytes:
    """Public key, Z85, of either half of a pair. Raises KeyFileError."""
    try:
        public, _ = load_certificate(path)
    except (OSError, ValueError) as error:
        raise KeyFileError(_unreadable(path, error)) from error
    _check(path, public)
    return public


def _write_new(path: Path, text: str, mode: int) -> None:
    path.touch(mode, exist_ok=False)
    path.write_text(text, encoding="ascii")


def _check(path: Path, key: bytes) -> None:
    if len(key) != KEY_CHARACTERS:
        msg = f"{path}: a key of {len(key)} characters where {KEY_CHARACTERS} are due"
        raise KeyFileError(msg)


def _unreadable(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return f"{path} cannot be read: {error.strerror or 'No such file or directory'}"
    return f"{path} is not a key file: there is no public-key in it"
